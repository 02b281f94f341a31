"""Makes the users in several blocks importable as `several_blocks`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
