"""Python in the executors of these tests: `pyspark.daemon`, whose processes do less for a task.

Tests have hundreds of tasks, each of which would take longer for this than for its work.
"""

import gc
import runpy
import sys

if __name__ == "__main__":
    # Spark puts archives first, from which each process would compile PySpark.
    sys.path = [place for place in sys.path if not place.endswith((".zip", ".jar"))]
    # After a task it would search for garbage in all that is imported. Python does so when needed.
    gc.collect = lambda *_: 0
    runpy.run_module("pyspark.daemon", run_name="__main__")
