"""A real browser on the real application: the gateway of `support.world`, listening, and Chromium driven by Puppeteer.

The server runs in the test's own loop, so a test can move its clock and bend its calendar while a page is open. Each
run is a process of its own with an empty profile. Screenshots are kept in the folder that SCREENSHOTS names.
"""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from support.serving import served
from support.world import World

BROWSER: Final = Path(__file__).parents[1] / "browser"
PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1280, "height": 900}
RUN_SECONDS: Final = 90


@contextlib.asynccontextmanager
async def site(world: World) -> AsyncIterator[str]:
    """The whole application of a world, pages and all."""
    async with served(create_app(world.gateway, page_routes(build_site(world.gateway)))) as url:
        yield url


@dataclass(frozen=True)
class Seen:
    """What a run saw. `elsewhere`: what was asked of other hosts; `troubles`: errors in the browser's console."""

    result: Any
    elsewhere: list[str]
    troubles: list[str]


async def browse(script: str, url: str, **given: Any) -> Seen:
    """Run a script of tests/browser/scripts. Fails as the script does."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium is not None, "Chromium is missing: install Debian's chromium"
    data = json.dumps({"script": script, "url": url, "chromium": chromium, **given})
    process = await asyncio.create_subprocess_exec(
        "node", "drive.mjs", data, cwd=BROWSER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, err.decode()[-2000:]
    seen = json.loads(out)
    assert seen["failed"] is None, seen["failed"]
    return Seen(seen["result"], seen["elsewhere"], seen["troubles"])


def shot(name: str) -> str | None:
    """Where a screenshot is kept; None where nobody asked for any."""
    folder = os.environ.get("SCREENSHOTS")
    if folder is None:
        return None
    kept = Path(folder).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    return str(kept / f"{name}.png")
