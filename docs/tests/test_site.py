"""The site builds without a warning, its links lead somewhere, and it fits on a phone."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 844}


def test_the_site(tmp_path):
    """It is built once for all that it has to be."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path)]
    built = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert built.returncode == 0, built.stderr
    assert list(broken_links(tmp_path)) == []
    assert list(wide_pages(tmp_path)) == []


class _Links(HTMLParser):
    """The links of a page, and the places in it that a link can lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value)


def broken_links(folder):
    """Yield the links of all pages that lead nowhere; other sites are not asked."""
    pages = {path.resolve(): _Links(path) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in {"http", "https"}:
                if not re.fullmatch(r"[\w.-]+\.[a-z]+(:\d+)?", parts.netloc):
                    yield f"{path.name}: {link}"
            elif parts.scheme != "data":
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                known = pages.get(target)
                if not target.exists() or (known and unquote(parts.fragment) not in known.anchors):
                    yield f"{path.name}: {link}"


def wide_pages(folder):
    """Yield the pages that can be scrolled sideways on a phone, where there is a browser."""
    if CHROMIUM is None:
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=PHONE)
        for path in sorted(folder.rglob("*.html")):
            page.goto(path.as_uri())
            width = page.evaluate("document.scrollingElement.scrollWidth")
            if width > PHONE["width"]:
                yield f"{path.name}: {width} px"
        browser.close()


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there"><a href="b.html#nowhere"><a href="c.html"><a href="https://x">'
    )
    (tmp_path / "b.html").write_text('<p id="there">')
    found = [line.split(": ")[1] for line in broken_links(tmp_path)]
    assert found == ["b.html#nowhere", "c.html", "https://x"]


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md"])
def test_every_link_of_the_other_pages_leads_to_a_file(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    links = [urlsplit(link) for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    missing = [link.path for link in links if not link.scheme and not (ROOT / link.path).exists()]
    assert missing == []


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_wide_page_is_found(tmp_path):
    head = '<meta name="viewport" content="width=device-width">'
    (tmp_path / "a.html").write_text(f'{head}<p style="width: 800px">wide')
    (tmp_path / "b.html").write_text(
        f'{head}<div style="overflow: auto"><p style="width: 800px">wide'
    )
    assert [line.split(":")[0] for line in wide_pages(tmp_path)] == ["a.html"]
