"""Errors of Spark, and what they say in one line."""

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from palate.errors import first_line

# What fails in the cluster, or on the way there.
SPARK_ERRORS = (PySparkException, Py4JError)


def reason(error: BaseException) -> str:
    """Return the first line of what Spark says: of the cause, if the error is that of a call."""
    java = getattr(error, "java_exception", None)
    return first_line(error if java is None else java.getMessage() or java.toString())
