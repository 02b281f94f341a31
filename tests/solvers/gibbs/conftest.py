"""Makes the users in several blocks importable as `several_blocks`, and NumPy twins as `twins`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "native")]
