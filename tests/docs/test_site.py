"""The documentation as pages: built without a warning, every link leads somewhere, nothing comes from elsewhere."""

import posixpath
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from support.browser import DESKTOP, PHONE, browse, shot
from support.pages import ROOT
from support.serving import served

ADDRESS = re.compile(r"(?:https?:)?//", re.IGNORECASE)
NAMESPACES = ("http://www.w3.org/",)
"""Names that look like addresses, which nobody fetches."""
ON_DEMAND = ("unpkg.com/mermaid", "unpkg.com/resize-observer-polyfill", "api.github.com", "/api/v4/projects/")
"""What the theme's script would fetch for drawings, old browsers and counters of stars."""


@dataclass
class Page(HTMLParser):
    """What a built page loads, where it leads, and what in it can be led to."""

    loaded: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := told.get(name))}
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""
        self.classes |= set((told.get("class") or "").split())
        if tag == "a" and told.get("href"):
            self.links.append(told["href"] or "")
        elif tag == "link" and told.get("href"):
            self.loaded.append(told["href"] or "")
        self.loaded += [value for name in ("src", "srcset", "data", "poster") if (value := told.get(name))]


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text("utf-8"))
        found[str(path.relative_to(site))] = page
    return found


def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    """To a file that was built, and within it to a place that is there."""
    assert len(pages) > 40
    for name, page in pages.items():
        if name == "404.html":
            continue  # its links are of the address at which the site will stand
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in {"https", "mailto"} or parts.hostname == "127.0.0.1", (name, link)
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
            )
            assert (site / target).exists(), (name, link)
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, (name, link)


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    """No page and no sheet names an address to load from. The theme's script names some, for what no page of ours has;
    each page forbids them all to the browser besides."""
    for name, page in pages.items():
        assert not [one for one in page.loaded if ADDRESS.match(one)], name
        assert not page.classes & {"mermaid", "md-source__repository", "arithmatex"}, name
        assert page.policy.startswith("default-src 'self'; ") and not ADDRESS.search(page.policy), name  # noqa: PT018
    for sheet in site.rglob("*.css"):
        named = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", sheet.read_text("utf-8"))
        assert not [one for one in named if ADDRESS.match(one)], sheet.name
    for script in site.rglob("*.js"):
        named = re.findall(r"[\"'`](https?://[^\"'`]+)", script.read_text("utf-8"))
        others = [one for one in named if not one.startswith(NAMESPACES)]
        assert not [one for one in others if not any(word in one for word in ON_DEMAND)], (script.name, others)


def slug(title: str) -> str:
    """As code hosts make an anchor of a heading."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def test_anchors_are_right_on_a_code_host_too() -> None:
    """There the pages are read as they are written: a heading's anchor is made by another rule, which must agree."""
    sources = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "deploy" / "README.md", ROOT / "bench/README.md"]
    for source in sources:
        text = re.sub(r"^```.*?^```$", "", source.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for path, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", text):
            target = source.parent / path if path else source
            if target.suffix == ".md":
                titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
                assert anchor in map(slug, titles), (source.name, path, anchor)


def test_each_page_has_one_title() -> None:
    for source in ROOT.glob("docs/**/*.md"):
        text = re.sub(r"^```.*?^```$", "", source.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1, source.name
        assert text.startswith("# "), source.name


LOOKS: list[tuple[str, str, dict[str, Any]]] = [
    ("home", "index.html", DESKTOP),
    ("home-phone", "index.html", PHONE),
    ("tutorial-dark", "tutorial.html", DESKTOP | {"dark": True}),
    ("tutorial-phone-dark", "tutorial.html", PHONE | {"dark": True}),
    ("concepts", "concepts.html", DESKTOP),
    ("settings-phone", "reference/settings.html", PHONE),
    ("http", "reference/http.html", DESKTOP),
]


@pytest.mark.parametrize(("look", "path", "size"), LOOKS, ids=[look for look, _, _ in LOOKS])
async def test_it_is_read_in_a_browser(site: Path, look: str, path: str, size: dict[str, Any]) -> None:
    """Light and dark, at a desk and on a phone: no request leaves this machine, no error, nothing scrolls sideways."""
    async with served(Starlette(routes=[Mount("/", StaticFiles(directory=site, html=True))])) as url:
        seen = await browse("site_page.mjs", url, path=f"/{path}", shot=shot(f"site-{look}"), **size)
    assert (seen.elsewhere, seen.troubles) == ([], [])
    assert (seen.result["status"], seen.result["sideways"], len(seen.result["heads"])) == (200, 0, 1)
    assert seen.result["scheme"] == ("slate" if seen.result["dark"] else "default")


@pytest.mark.parametrize(("word", "page"), [("settle", "guarantees.html"), ("EINMAL_PORT", "reference/settings.html")])
async def test_its_search_needs_nobody(site: Path, word: str, page: str) -> None:
    """What is typed is found by the page itself."""
    async with served(Starlette(routes=[Mount("/", StaticFiles(directory=site, html=True))])) as url:
        seen = await browse("site_page.mjs", url, path="/index.html", search=word, **DESKTOP)
    assert (seen.elsewhere, seen.troubles) == ([], [])
    assert any(page in found for found in seen.result["found"]), seen.result["found"]
