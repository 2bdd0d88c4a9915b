"""The frame of every page, in a real browser: nothing from elsewhere, nothing refused, readable by everybody."""

from pathlib import Path

import pytest

from support.browser import DESKTOP, PHONE, browse, shot, site
from support.world import world


@pytest.mark.parametrize(("width", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
async def test_a_page_is_whole_by_itself(tmp_path: Path, width: str, size: dict[str, int]) -> None:
    """The desk: no other host is asked, no script or style is refused, axe finds nothing, and nothing scrolls aside."""
    async with world(tmp_path) as here, site(here) as url:
        seen = await browse("look.mjs", url, path="/", shot=shot(f"desk-empty-{width}"), **size)
    assert seen.result == {"status": 200, "sideways": 0, "violations": [], "title": seen.result["title"]}
    assert seen.elsewhere == []
    assert seen.troubles == []
