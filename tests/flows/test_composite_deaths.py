"""A process that books or undoes a composite dies, after each of its commits and after each answer of the calendar.

Another gateway finds the ledger as it was left, and its worker runs until nothing is owed any more. In virtual time.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql import writes
from einmal.adapters.sql.sqlite import SqliteInline
from einmal.entrypoints.http.retell import function_call
from einmal.simulator.storage import StorageFault, faulty_sqlite
from support.composites import CALL, OTHER, TYPES, WISH, configured
from support.virtual import NOTIFIED, Open, Salon, pass_time, play, salon

T = TypeVar("T")

TURNS = 180
"""An hour: longer than the settle window, and all that waits for its end."""


class Life:
    """Of one process: so many things happen in it, and nothing after that. None lives on."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.happened = 0

    async def event(self) -> None:
        self.happened += 1
        if self.left is not None and self.happened >= self.left:
            await self.end()

    async def end(self) -> None:
        await asyncio.get_running_loop().create_future()

    @property
    def over(self) -> bool:
        return self.left is not None and self.happened >= self.left


def mortal(life: Life) -> type[SqliteInline]:
    class Mortal(SqliteInline):
        async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
            if life.over:
                await life.end()
            done = await super().run(work)
            if not self._read_only:
                await life.event()
            return done

    return Mortal


async def asked(gateway: Open, name: str, call: dict[str, str] = CALL, /, **args: Any) -> None:

    body = json.dumps({"name": name, "args": args, "call": call}, ensure_ascii=False).encode()
    await function_call(gateway.gateway).answer(body)


async def lived(made: Salon, life: Life, name: str, call: dict[str, str], args: dict[str, Any], dies_at: int) -> bool:
    """Whether a process that dies at this event was still alive when the function call had its answer."""
    async with made.gateway() as gateway:
        inner = gateway.tap.inner.send

        async def hooked(request: WireRequest) -> WireAnswer:
            if life.over:
                await life.end()
            answer = await inner(request)
            await life.event()
            return answer

        gateway.tap.on_post = gateway.tap.on_get = hooked
        life.happened, life.left = 0, dies_at
        task = asyncio.create_task(asked(gateway, name, call, **args))
        await asyncio.wait({task}, timeout=30.0)
        await pass_time(30.0)
        alive = not life.over
        await gateway.kill()
        life.left = None
    return alive


OWED = (
    "SELECT 1 FROM composites WHERE look_at IS NOT NULL",
    "SELECT 1 FROM intents WHERE state IN ('intent', 'sent', 'doubt', 'compensating')",
    "SELECT 1 FROM changes WHERE state IN ('sent', 'doubt')",
)


async def rested(made: Salon) -> None:
    """Whoever comes after works until nothing is owed."""
    async with made.gateway() as gateway:
        for _ in range(TURNS):
            await pass_time(20.0)
            await gateway.gateway.worker.turn()
            if not any(made.rows(statement) for statement in OWED):
                return
    raise AssertionError("it never came to rest")


def standing(made: Salon) -> int:
    """Segments that stand for the caller."""
    return sum(one.attendees[0].name == WISH["name"] for one in made.live)


def story(folder: Path, dies_at: int, *, cut_is_taken: bool, works: bool = True) -> tuple[int, str, bool]:
    """How many segments stand in the end, how the composite's row ends, and whether the process outlived its task."""
    life, ends = Life(), list[tuple[int, str, bool]]()
    made = salon(folder, event_types=TYPES, storage=mortal(life), **configured(folder))

    async def told(made: Salon) -> None:
        if cut_is_taken:
            async with made.gateway() as gateway:
                cut = {"uhrzeit": "12:00", "name": "Mia Weiß", "dienstleistung": "Haarschnitt"}
                # At Ben's, over the second segment of what is wished.
                await asked(gateway, "book_appointment", OTHER, **(WISH | cut))
        wish = WISH | {"uhrzeit": "11:00"}
        alive = await lived(made, life, "book_appointment", CALL, wish, dies_at)
        if works:
            await rested(made)
        rows = made.rows("SELECT state FROM composites")
        ends.append((standing(made), rows[0][0] if rows else "", alive))

    play(told, made)
    return ends[0]


@pytest.mark.parametrize("cut_is_taken", [False, True], ids=["free", "taken"])
def test_wherever_it_dies_all_stands_or_nothing(tmp_path: Path, cut_is_taken: bool) -> None:
    """Never a part; and the row has come to an end."""
    seen = set()
    for dies_at in range(1, 80):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        stands, state, alive = story(folder, dies_at, cut_is_taken=cut_is_taken)
        assert (stands, state) in {(3, "booked"), (0, "undone"), (0, "")}, dies_at
        seen.add((stands, state))
        if alive:
            break
    else:
        raise AssertionError("it never came to its end")
    assert (0, "undone") in seen
    assert dies_at > 8
    assert ((3, "booked") in seen) is not cut_is_taken


def test_control_without_a_worker_a_part_stands(tmp_path: Path) -> None:
    """The same deaths, and nobody who comes after: that is what the worker is for."""
    left = set()
    for dies_at in range(1, 12):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        left.add(story(folder, dies_at, cut_is_taken=False, works=False)[0])
    assert left & {1, 2}


def test_wherever_the_cancel_dies_nothing_stands(tmp_path: Path) -> None:
    """Once it was called off, all of it goes; where it was not written down yet, all of it stays."""
    for dies_at in range(1, 80):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        life, ends = Life(), list[tuple[int, str, bool]]()
        made = salon(folder, event_types=TYPES, storage=mortal(life), **configured(folder))

        async def told(made: Salon, life: Life = life, ends: Any = ends, dies_at: int = dies_at) -> None:
            async with made.gateway() as gateway:
                await asked(gateway, "book_appointment", **WISH)
            assert standing(made) == 3
            alive = await lived(made, life, "cancel_appointment", CALL, {}, dies_at)
            await rested(made)
            ends.append((standing(made), made.rows("SELECT state FROM composites")[0][0], alive))

        play(told, made)
        stands, state, alive = ends[0]
        assert (stands, state) in {(3, "booked"), (0, "undone")}, dies_at
        if alive:
            break
    else:
        raise AssertionError("it never came to its end")
    assert (stands, state) == (0, "undone")


@pytest.mark.parametrize(
    ("which", "letter"), [(2, ("undone", "cancelled")), (3, ("undone", "cancelled"))], ids=["second", "last"]
)
def test_what_was_promised_is_told_of_the_whole_once(tmp_path: Path, which: int, letter: tuple[str, str]) -> None:
    """A request is lost: who was told that it is being checked hears how it ended, and never of a part."""
    plan = f'[[rule]]\nfault = "lost_request"\noperation = "create"\nnth = [{which}]\n'
    made = salon(tmp_path, plan, event_types=TYPES, **configured(tmp_path), **NOTIFIED)
    letters: list[tuple[str, str, str]] = []

    async def told(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.letterbox.letters = letters
            body = json.dumps({"name": "book_appointment", "args": WISH, "call": CALL}, ensure_ascii=False)
            said = json.loads(await function_call(gateway.gateway).answer(body.encode()))
            assert said["status"] == "in_doubt"
            assert "Sie bekommen gleich Bescheid" in said["message"]
            for _ in range(TURNS):
                await pass_time(20.0)
                await gateway.gateway.worker.turn()

    play(told, made)
    (composite_id,) = made.rows("SELECT composite_id FROM composites")[0]
    assert letters == [(f"{composite_id}.{letter[0]}", "resolved", letter[1])]
    assert standing(made) == 0


NO_FENCE = "SELECT 1 FROM composites WHERE composite_id = ? AND ? > ''"


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "control"])
def test_who_slept_through_the_undoing_begins_nothing(
    tmp_path: Path, fenced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first segment is booked, then the process stops for a while; the worker of another undoes it.

    The control: admission does not ask whether the composite is still being booked, and parts are begun again.
    """
    if not fenced:
        monkeypatch.setattr(writes, "_BEING_BOOKED", NO_FENCE)
    made = salon(tmp_path, event_types=TYPES, **configured(tmp_path))

    async def told(made: Salon) -> None:
        async with made.gateway() as sleeper:
            woken = asyncio.Event()
            inner = sleeper.gateway.ledger.admit
            admitted = 0

            async def admit(*args: Any, **more: Any) -> Any:
                nonlocal admitted
                admitted += 1
                if admitted == 2:
                    await woken.wait()
                return await inner(*args, **more)

            # The one place where a process can be held up between its commits and the next.
            sleeper.gateway.ledger.admit = admit  # type: ignore[method-assign]
            task = asyncio.create_task(asked(sleeper, "book_appointment", **WISH))
            await pass_time(60.0)
            await rested(made)
            assert standing(made) == 0
            woken.set()
            await task
            await pass_time(30.0)
            assert (len(sleeper.tap.posts) == 1) is fenced
            assert (standing(made) == 0) is fenced
        assert made.rows("SELECT state FROM composites") == [("undone",)]

    play(told, made)


@pytest.mark.parametrize("fault", StorageFault)
def test_whichever_commit_goes_wrong_what_is_said_is_true(tmp_path: Path, fault: StorageFault) -> None:
    """Each commit of the function call in turn: "booked" is said of all, and nothing of a part stays."""
    outcomes = set()
    for wrong in range(1, 40):
        folder = tmp_path / str(wrong)
        folder.mkdir()
        countdown: list[int] = []

        def choose(countdown: list[int] = countdown) -> StorageFault | None:
            if not countdown:
                return None
            countdown[0] -= 1
            return fault if countdown[0] == 0 else None

        made = salon(folder, event_types=TYPES, storage=faulty_sqlite(choose), **configured(folder))
        said: dict[str, Any] = {}

        async def told(
            made: Salon, wrong: int = wrong, countdown: list[int] = countdown, said: dict[str, Any] = said
        ) -> None:
            async with made.gateway() as gateway:
                countdown.append(wrong)
                body = json.dumps({"name": "book_appointment", "args": WISH, "call": CALL}, ensure_ascii=False)
                said.update(json.loads(await function_call(gateway.gateway).answer(body.encode())))
                said["struck"] = countdown[0] <= 0
                countdown.clear()
            await rested(made)

        play(told, made)
        assert standing(made) in {0, 3}, wrong
        if said["status"] == "booked":
            assert standing(made) == 3, wrong
        if said["status"] not in {"booked", "in_doubt"}:
            assert standing(made) == 0, wrong
        outcomes.add(said["status"])
        if not said["struck"]:
            break
    assert outcomes > {"booked"}
