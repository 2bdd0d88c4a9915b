"""The lab: a run follows from its fault and its seed, touches nothing of the gateway, and is there for nobody else."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.lab.pages import WAITING_MAX, Lab, has_lab, lab_routes
from einmal.entrypoints.lab.run import run
from einmal.entrypoints.lab.trouble import Trouble
from einmal.entrypoints.web.app import build_site
from einmal.simulator.asgi import request
from einmal.speech.said import Language
from support.world import settings, world

NAIVE = {Trouble.OWN_CONFLICT: 1}
"""How many the ordinary gateway books, where it is not three."""


def played(trouble: Trouble, seed: int, language: Language = Language.GERMAN) -> object:
    return run.__wrapped__(trouble, seed, language)


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("seed", [1, 7])
def test_five_attempts_are_one_booking(trouble: Trouble, seed: int) -> None:
    """With nothing false said; the gateway beside it is the control."""
    shown = run(trouble, seed, Language.GERMAN)
    assert len(shown.ours.heard) == len(shown.unguarded.heard) == 5
    assert (shown.ours.bookings, shown.ours.falsehoods) == (1, 0)
    assert shown.unguarded.bookings == NAIVE.get(trouble, 3)
    assert shown.unguarded.falsehoods > 0


def test_a_run_can_be_played_again() -> None:
    """All of it is the same; another seed is another run."""
    assert played(Trouble.CRASH, 3) == played(Trouble.CRASH, 3)
    assert played(Trouble.CRASH, 3) != played(Trouble.CRASH, 4)


def test_the_lost_answer_is_looked_for_and_not_sent_again() -> None:
    """One booking request goes out, and a look at the calendar."""
    shown = run(Trouble.LOST_ANSWER, 7, Language.ENGLISH)
    assert [(one.what, one.answer) for one in shown.ours.requests] == [("book", "reset"), ("look", "200")]
    assert shown.ours.heard[0].sentence.endswith("is booked.")


def test_somebody_elses_booking_is_not_believed() -> None:
    shown = run(Trouble.FOREIGN_BOOKING, 7, Language.GERMAN)
    assert shown.ours.rejections == ("stale_booking",)
    assert [one.said for one in shown.ours.heard] == ["no", "no", "no", "no", "yes"]
    assert shown.unguarded.heard[0].is_false


async def test_it_is_there_on_the_simulator_only(tmp_path: Path) -> None:
    """A gateway with a key has no such page, and neither has one that listens to the world."""
    async with world(tmp_path) as here:
        real = create_app(here.gateway, lab_routes(build_site(here.gateway)))
        assert (await request(real, "GET", "/lab")).status == 404
        simulated = replace(here.gateway.settings, simulated=True)
        assert not has_lab(replace(simulated, host="0.0.0.0"))  # noqa: S104
        here.gateway.settings = simulated
        app = create_app(here.gateway, lab_routes(build_site(here.gateway, has_lab=True)))
        assert (await request(app, "GET", "/lab")).status == 200
        drawn = await request(app, "GET", "/lab?fault=crash&seed=many")
        assert drawn.headers["location"].startswith("/lab?fault=crash&seed=")
    assert not has_lab(settings(tmp_path / "ledger.sqlite3"))


async def test_a_crowd_is_asked_to_come_again(tmp_path: Path) -> None:
    """So many may wait for a run; the next is told so at once."""
    async with world(tmp_path) as here:
        here.gateway.settings = replace(here.gateway.settings, simulated=True)
        lab = Lab(build_site(here.gateway, has_lab=True))
        crowd = [lab._played(Trouble.NONE, seed, Language.GERMAN) for seed in range(100, 101 + WAITING_MAX)]  # noqa: SLF001
        outcomes = await asyncio.gather(*crowd)
    assert outcomes[-1] is None
    assert None not in outcomes[:-1]
