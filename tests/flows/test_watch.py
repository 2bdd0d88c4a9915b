"""The configuration file is read again when it changes; a wrong one changes nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.cli.watch import LOOKS_BETWEEN, Looks, watch_configuration
from support.world import World, world

SERVICE = """
[[services]]
name = "Beratung"
event_type_id = 101
duration_minutes = 30
"""


def hours(span: str) -> str:
    return f'opening_hours = {{ monday = ["{span}"] }}\n{SERVICE}'


@asynccontextmanager
async def watched(folder: Path, text: str) -> AsyncIterator[World]:
    """A gateway whose file is looked at a hundred times a second."""
    path = folder / "einmal.toml"
    path.write_text(text, "utf-8")
    environment = {
        "EINMAL_CONFIG": str(path),
        "EINMAL_CALCOM_API_KEY": "cal_test",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
    }
    async with world(folder, **environment) as salon:
        stop = asyncio.Event()
        watch = asyncio.create_task(watch_configuration(salon.gateway, stop, environment, 0.01))
        yield salon
        stop.set()
        await watch


async def told(salon: World) -> str:
    return str((await salon.ask("get_opening_hours"))["message"])


async def until(salon: World, words: str) -> None:
    """Until the gateway says so; the test's own time-out ends it otherwise."""
    async with asyncio.timeout(20):
        said = ""
        while words not in said:
            await asyncio.sleep(0.01)
            said = await told(salon)


def write(folder: Path, text: str) -> None:
    """As editors do: a new file in the place of the old one."""
    new = folder / "new.toml"
    new.write_text(text, "utf-8")
    new.replace(folder / "einmal.toml")


async def test_new_hours_are_told_without_a_restart(tmp_path: Path) -> None:
    async with watched(tmp_path, hours("09:00-18:00")) as salon:
        assert "von 9 Uhr bis 18 Uhr" in await told(salon)
        write(tmp_path, hours("10:00-20:00"))
        await until(salon, "von 10 Uhr bis 20 Uhr")


async def test_a_wrong_file_changes_nothing_and_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is in force stays; the log has the line; once it is right again it is taken."""
    caplog.set_level(logging.ERROR)
    async with watched(tmp_path, hours("09:00-18:00")) as salon:
        write(tmp_path, hours("25:00-18:00"))
        for _ in range(2000):
            if caplog.records:
                break
            await asyncio.sleep(0.01)
        fields = caplog.records[0].__dict__["fields"]
        assert ":1: " in fields["problems"][0]
        assert "von 9 Uhr bis 18 Uhr" in await told(salon)
        (tmp_path / "einmal.toml").unlink()
        await asyncio.sleep(0.1)
        assert "von 9 Uhr bis 18 Uhr" in await told(salon)
        write(tmp_path, hours("08:00-12:00"))
        await until(salon, "von 8 Uhr bis 12 Uhr")


async def test_event_types_that_cannot_be_had_now_are_asked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The new configuration names no services, and Cal.com does not answer: the old one stays until it does."""
    async with watched(tmp_path, hours("09:00-18:00")) as salon:
        salon.tap.on_types = _not_now
        # Those of the last start would do, and hide what is tested here.
        salon.rows("DELETE FROM services")
        write(tmp_path, 'opening_hours = { monday = ["10:00-20:00"] }\n')
        for _ in range(2000):
            if caplog.records:
                break
            await asyncio.sleep(0.01)
        assert caplog.records[0].__dict__["fields"]["tenant"] == "default"
        assert "von 9 Uhr bis 18 Uhr" in await told(salon)
        salon.tap.on_types = None
        await until(salon, "von 10 Uhr bis 20 Uhr")


async def _not_now(_request: WireRequest) -> WireAnswer:
    raise MaybeSent("timeout")


A, B = (1, 10, 7), (2, 12, 7)


@pytest.mark.parametrize(
    ("stamps", "read"),
    [
        pytest.param([A, A, A], [1], id="once-at-the-start"),
        pytest.param([A, B, A, B], [], id="never-while-it-changes"),
        pytest.param([A, A, B, B, B], [1, 3], id="once-for-each-state"),
        pytest.param([A, A, None, None, A, A], [1], id="gone-and-back-as-it-was"),
        pytest.param([None, None], [], id="no-file"),
    ],
)
def test_a_file_is_read_once_it_has_been_still(stamps: list[tuple[int, int, int] | None], read: list[int]) -> None:
    """One that is being written is half a configuration."""
    looks = Looks()
    assert [number for number, stamp in enumerate(stamps) if looks.due(stamp)] == read


def test_what_could_not_be_taken_is_read_again_after_a_minute() -> None:
    """And only then: each try asks Cal.com."""
    looks = Looks()
    assert [looks.due(A), looks.due(A)] == [False, True]
    looks.again()
    due = [number for number in range(1, 2 * LOOKS_BETWEEN) if looks.due(A)]
    assert due == [LOOKS_BETWEEN]
