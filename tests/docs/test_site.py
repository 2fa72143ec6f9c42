"""The documentation builds as a site, without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    pytest.importorskip("myst_parser", reason="the extra `docs` is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E"]
    command += ["-d", str(folder / "trees"), "-b", "html", str(DOCS), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_every_page_is_there(site: Path) -> None:
    """Every page of the repository and a page for each reformulation, all reached from the index."""
    index = (site / "index.html").read_text("utf-8")
    pages = [p.relative_to(DOCS).with_suffix(".html") for p in DOCS.glob("**/*.md")]
    modules = (ROOT / "compiler" / "reformulations").glob("[a-z]*.py")
    pages += [Path("reformulations") / f"{p.stem}.html" for p in modules]
    assert len(pages) > 20
    for page in pages:
        assert (site / page).is_file(), page
    for page in pages:
        if page.parent.name not in ("gallery", "reformulations", "errors", ""):
            assert f'href="{page.as_posix()}"' in index, page


def test_reformulations_are_their_docstrings(site: Path) -> None:
    page = (site / "reformulations" / "mccormick.html").read_text("utf-8")
    assert "<h1>Products by their convex and concave envelopes" in page
    assert "McCormick (1976)" in page
    assert "<math" in page


def test_gallery_has_the_readmes_and_the_models(site: Path) -> None:
    for readme in ROOT.glob("examples/*/README.md"):
        page = (site / "gallery" / f"{readme.parent.name}.html").read_text("utf-8")
        title = readme.read_text("utf-8").splitlines()[0].removeprefix("# ")
        assert f"<h1>{title}" in page
        assert "minimize" in page or "maximize" in page
        assert ".svg" in page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("**/*.html"):
        text = page.read_text("utf-8")
        found = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(https?:[^\"]+)", text)
        assert not found, f"{page.name}: {found}"


def test_no_markup_is_left_over(site: Path) -> None:
    for page in site.glob("**/*.html"):
        text = re.sub(r"<pre>.*?</pre>", "", page.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"<code.*?</code>", "", text, flags=re.DOTALL)
        for mark in ("](", "```", "{eval-rst}", ":math:", "$$"):
            assert mark not in text, f"{page.name} shows {mark}"


def test_links_of_the_site_lead_somewhere(site: Path) -> None:
    """Every link within the site leads to a file, and every anchor to its place."""
    texts = {p: p.read_text("utf-8") for p in site.glob("**/*.html")}
    places = {p: set(re.findall(r'\bid="([^"]+)"', t)) for p, t in texts.items()}
    lost = []
    for page, text in texts.items():
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            path = path.partition("?")[0]
            target = (page.parent / path).resolve() if path else page
            there = target.exists()
            if not there or (anchor and target in places and anchor not in places[target]):
                lost.append(f"{page.relative_to(site)}: {link}")
    assert not lost, lost
