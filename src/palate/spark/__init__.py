"""The same model from a Spark cluster, and lists for all its users (the optional extra ``spark``).

>>> from palate.spark import fit
>>> model = fit(spark.read.parquet("ratings"), output="model", checkpoint="hdfs:///palate")
"""

from palate.errors import MissingExtraError

try:
    from palate.spark._evaluate import evaluate
    from palate.spark._fit import fit
    from palate.spark._recommend import recommend

except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in {"pyspark", "py4j", "pyarrow", "pandas"}:
        raise
    message = "palate.spark requires PySpark: pip install 'palate[spark]'"
    raise MissingExtraError(message) from error

__all__ = ["evaluate", "fit", "recommend"]
