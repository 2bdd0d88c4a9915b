"""The lab in a real browser: pick a fault, press play, and see one booking beside several."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.lab.pages import lab_routes
from einmal.entrypoints.web.app import build_site, page_routes
from support.browser import DESKTOP, PHONE, browse, shot
from support.serving import served
from support.world import World, world


@contextlib.asynccontextmanager
async def lab(here: World) -> AsyncIterator[str]:
    """The application as `serve` builds it without a Cal.com key."""
    here.gateway.settings = replace(here.gateway.settings, simulated=True)
    site = build_site(here.gateway, has_lab=True)
    async with served(create_app(here.gateway, [*page_routes(site), *lab_routes(site)])) as url:
        yield url


async def test_five_attempts_make_one_booking_beside_three(tmp_path: Path) -> None:
    """And the address of the run plays the same run again."""
    async with world(tmp_path) as here, lab(here) as url:
        steps: list[list[Any]] = [
            ["goto", "/lab"],
            ["see", "empty"],
            ["tap", "input[value=foreign_booking]"],
            ["type", "#seed", "7"],
        ]
        steps += [["press", "main form button"], ["see", "played"], ["address", "run"]]
        steps += [["size", *PHONE.values()], ["goto", "/lab?fault=foreign_booking&seed=7&lang=en"], ["see", "english"]]
        shots = {one: shot(f"lab-{one}") for one in ("empty", "played", "english")}
        seen = await browse("steps.mjs", url, steps=steps, shots=shots, **DESKTOP)
        assert here.calendar.bookings == ()
        assert here.states() == []
    assert seen.result["run"] == "/lab?fault=foreign_booking&seed=7"
    assert seen.result["played"]["figures"] == ["5 Versuche, 3 Buchungen", "5 Versuche, 1 Buchung"]
    assert seen.result["english"]["figures"] == ["5 attempts, 3 bookings", "5 attempts, 1 booking"]
    for one in ("empty", "played", "english"):
        assert (seen.result[one]["violations"], seen.result[one]["sideways"]) == ([], 0)
    assert (seen.elsewhere, seen.troubles) == ([], [])
