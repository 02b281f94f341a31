"""Take a screenshot of each view of the explorer, wide and narrow, light and dark.

python tests/web/screenshots.py MODEL FOLDER
"""

import shutil
import sys
from pathlib import Path

from conftest import DESKTOP, PHONE, VIEWS, serving
from playwright.sync_api import sync_playwright


def main(model: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with serving(model) as (address, _), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for width, height in (DESKTOP, PHONE):
                page = browser.new_page(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": height})
                for view, fragment in VIEWS.items():
                    page.goto(f"{address}/{fragment}")
                    page.wait_for_selector("main:not([aria-busy])")
                    page.wait_for_timeout(1500)
                    name = f"{view}-{width}-{scheme}.png"
                    page.screenshot(path=folder / name, full_page=True)
                    print(folder / name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
