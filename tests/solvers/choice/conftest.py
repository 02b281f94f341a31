"""Makes the NumPy twins of the kernels importable as `choice_twins`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "native"))
