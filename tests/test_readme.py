"""The README's Python runs as it stands; its default model is the one of all tests."""

import importlib.util
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.usefixtures("fit_default_once")
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert blocks
    monkeypatch.chdir(tmp_path)
    Path("ratings.csv").write_text(
        "user,item,rating\n" + "".join(f"u{n % 7},i{n % 5},{n % 3 + 1}\n" for n in range(35))
    )
    rows = [(f"u{n}", item) for n in range(9) for item in ("Tea", "Rum", "Ale", "Gin")[n % 3 :]]
    Path("clicks.csv").write_text("user,item\n" + "".join(f"{u},{i}\n" for u, i in rows))
    namespace, torch = {}, importlib.util.find_spec("torch")
    for block in blocks:
        if torch or "palate.torch" not in block:
            exec(block, namespace)
        if "clicks.csv" in block:  # it takes repeated clicks, too, which are counts
            repeated = Path("clicks.csv").read_text() + "u0,Tea\nu0,Tea\n"
            Path("clicks.csv").write_text(repeated)
            exec(block, namespace)
            assert namespace["clicks"].kind == "counts"
    if not torch:
        pytest.skip("but for the part on PyTorch; pip install 'palate[torch]'")
