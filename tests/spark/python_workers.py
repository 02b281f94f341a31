"""Python in the executors of these tests: `pyspark.daemon`, whose processes start sooner."""

import runpy
import sys

if __name__ == "__main__":
    # Spark puts archives first, from which each process would compile PySpark.
    sys.path = [place for place in sys.path if not place.endswith((".zip", ".jar"))]
    runpy.run_module("pyspark.daemon", run_name="__main__")
