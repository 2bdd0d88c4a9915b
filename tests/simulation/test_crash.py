"""The crash sweep: killed at every await and every commit, the gateway keeps every promise. Each control is caught."""

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from einmal.domain.intent import Event, State
from einmal.ports import Transition
from einmal.simulator.world.bent import Bent
from einmal.simulator.world.cases import SCENARIOS, case_of
from einmal.simulator.world.crash import SOMETIMES, Plan, Swept, Where, sweep
from einmal.simulator.world.crashing import CrashWorld, Lived, live
from einmal.simulator.world.mortal import Life, MortalLoop, outside
from einmal.simulator.world.parts import Parts
from einmal.simulator.world.weather import Fate

LOUD = [one for one in SCENARIOS if not one.silent]
SILENT = [one for one in SCENARIOS if one.silent]
PEOPLE = {"book", "repeated", "rivals"}
"""Scenarios that are about how people ask; in the others somebody who asks again is a sample."""

TWICE = (Fate.GOOD, Fate.ANSWER_LOST, Fate.TWICE, Fate.NO_METADATA, Fate.PAUSED)


def printed(capsys: pytest.CaptureFixture[str], what: str, swept: Swept) -> None:
    cases = len(swept.by)
    with capsys.disabled():
        print(f"\n  {what}: {swept.points:,} points in {cases} cases, {swept.tried:,} first deaths,", end=" ")
        print(f"{swept.pairs:,} second ones, {len(swept.failures)} violations", end=" ")


SINGLES = [
    pytest.param(SILENT, Where.DIFFERENT, id="nobody asks again"),
    pytest.param([one for one in LOUD if one.name in PEOPLE], Where.DIFFERENT, id="people ask again"),
    pytest.param([one for one in LOUD if one.name not in PEOPLE], Where.SAMPLE, id="people ask again, a sample"),
]


@pytest.mark.parametrize(("scenarios", "where"), SINGLES)
def test_killed_once_anywhere(scenarios: Any, where: Where, capsys: pytest.CaptureFixture[str]) -> None:
    """Every scenario, every fate of its POST, at every point that differs from the one before."""
    swept = sweep(scenarios, Plan(where))
    printed(capsys, "killed once", swept)
    assert swept.failures == []
    assert set(swept.by) == {f"{one.name}:{fate}" for one in scenarios for fate in one.fates}
    if scenarios is SILENT:
        assert swept.never == (), "after each move, around each commit, with each request under way"


def test_killed_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """After each first death some second ones, drawn by the case's name; the soak tries them all."""
    names = {"book_silent", "rivals_silent", "round_robin_silent", "blind"}
    scenarios = [replace(one, fates=TWICE) for one in SCENARIOS if one.name in names]
    scenarios += [one for one in SILENT if one.name == "regret_unheard_silent"]
    swept = sweep(scenarios, Plan(Where.DIFFERENT, Where.SAMPLE))
    printed(capsys, "killed twice, second deaths a sample", swept)
    assert swept.failures == []
    assert swept.pairs > swept.tried


def test_killed_twice_around_every_commit(capsys: pytest.CaptureFixture[str]) -> None:
    """One wish, its answer lost, or in time: every pair of deaths, the second around a commit."""
    scenarios = [replace(one, fates=(Fate.GOOD, Fate.ANSWER_LOST)) for one in SILENT if one.name == "book_silent"]
    swept = sweep(scenarios, Plan(Where.ALL, Where.COMMITS))
    printed(capsys, "killed twice, second deaths around every commit", swept)
    assert swept.failures == []


def test_two_gateways_on_one_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever of the two is the one that dies."""
    scenarios = [replace(one, fates=(Fate.GOOD, Fate.LATE)) for one in LOUD if one.name in {"book", "repeated"}]
    swept = sweep(scenarios, Plan(Where.DIFFERENT), workers=(2,))
    printed(capsys, "two gateways", swept)
    assert swept.failures == []


def test_a_sweep_tells_where_nobody_died() -> None:
    """The list of what must occur can be missed: as a whole, or by the one scenario that is left out."""
    assert sweep(SCENARIOS, Plan(Where.NONE)).never == SOMETIMES
    few = [one for one in SILENT if one.name in {"refused_silent", "book_silent"}]
    swept = [sweep([replace(one, fates=(Fate.GOOD,))], Plan(Where.ALL)) for one in few]
    assert ["rejected by refused" in one.never for one in swept] == [True, False]


def test_seeds_need_not_end() -> None:
    """A soak counts them up for as long as it has time; they are read one at a time."""

    def seeds() -> Iterator[int]:
        yield 7
        raise AssertionError("read ahead")

    refused = [one for one in LOUD if one.refused]
    assert sweep(refused, Plan(Where.SAMPLE), seeds=seeds(), seconds=0.0).runs > 1


def outline(lived: Lived) -> object:
    """All that was seen of a run from outside, without the ids of rows."""
    evidence = lived.evidence
    assert evidence is not None
    return (
        [(moved.before, moved.event, moved.after) for moved in evidence.moves],
        [(said.at, said.outcome, said.start) for said in evidence.spoken],
        [(round(asked.at, 3), asked.kind, asked.processed, asked.stored) for asked in evidence.requests],
        [(life.uid, life.since, life.until) for life in evidence.lives],
    )


@pytest.mark.parametrize("name", ["book:answer_lost", "rivals:good", "repeated:not_connected"])
def test_points_that_do_not_differ_are_the_same_death(name: str) -> None:
    """What the sweep leaves out is what was tried a point before; and what it tries does differ."""
    points = live(case_of(name)).points[0]
    outlines = [outline(live(case_of(f"{name}:k={k}"))) for k in range(1, len(points) + 1)]
    pairs = list(zip(points[1:], outlines, outlines[1:], strict=False))
    assert [point for point, before, here in pairs if not point.differs and before != here] == []
    assert any(point.differs and before != here for point, before, here in pairs)
    assert sum(point.differs for point in points) < len(points)


@pytest.mark.parametrize("name", ["book:answer_lost:k=17:second=9", "rivals:late:k=30:second=40:seed=3:workers=2"])
def test_a_name_is_a_run(name: str) -> None:
    """The same name again, and everything happens again, to the letter; another name is another run."""
    lived = live(case_of(name))
    assert lived.case.name == name
    assert (lived.evidence, lived.points) == (live(case_of(name)).evidence, live(case_of(name)).points)
    assert len(lived.points) == 3
    assert lived.points != live(case_of(name.replace("second=", "second=1"))).points


@pytest.mark.parametrize("name", ["nothing:good", "book:nothing", "book:good:l=3", "book:good:k=x", "book"])
def test_what_names_no_run_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no case|is not a valid|invalid literal|not enough values"):
        case_of(name)


def test_nothing_of_a_dead_process_runs() -> None:
    """No except, no finally, no reply; what it had sent arrives."""
    ran: list[str] = []

    async def posted() -> None:
        await asyncio.sleep(1)
        ran.append("arrived")

    async def work() -> str:
        try:
            await outside(posted())
        finally:
            ran.append("finally")
        return "reply"

    async def story() -> bool:
        life = Life(lambda _, point: point.what == "later")
        task = life.start(work())
        await asyncio.sleep(3)
        return task.done()

    loop = MortalLoop()  # type: ignore[abstract]
    assert not loop.run_until_complete(story())
    assert ran == ["arrived"]
    loop.bury()
    assert ran == ["arrived", "finally"]


# Controls: bugs that only a crash shows. Undisturbed, each of them keeps every promise.


@dataclass(frozen=True)
class Control:
    """`case`: a scenario and a fate in which `shown` must be among what is found."""

    does: str
    bend: Callable[[Parts, CrashWorld], None]
    case: str
    shown: str


def ledger(**methods: Callable[..., Any]) -> Callable[[Parts, CrashWorld], None]:
    def bend(parts: Parts, _: CrashWorld) -> None:
        parts.ledger = Bent(parts.ledger, **methods)

    return bend


def row_after_the_post(parts: Parts, world: CrashWorld) -> None:
    """The intent lives in memory until there is an answer to write with it."""

    async def admit(inner: Any, *arguments: Any) -> Any:
        world.unsynced = deepcopy(world.books)
        return await inner.admit(*arguments)

    async def apply(inner: Any, transition: Any) -> Any:
        world.unsynced = None
        return await inner.apply(transition)

    parts.ledger = Bent(parts.ledger, admit=admit, apply=apply)


def done_before_it_is(parts: Parts, world: CrashWorld) -> None:
    """A second commit that is acknowledged, and on disk half a second later."""

    async def synced() -> None:
        await asyncio.sleep(0.5)
        world.unsynced = None

    async def apply(inner: Any, transition: Any) -> Any:
        world.unsynced = deepcopy(world.books)
        outside(synced())
        return await inner.apply(transition)

    parts.ledger = Bent(parts.ledger, apply=apply)


async def leaves_sent_rows(inner: Any, *arguments: Any) -> Any:
    claimed = await inner.claim_due(*arguments)
    return tuple(intent for intent in claimed if intent.state is not State.SENT)


async def sent_is_not_sent(inner: Any, now: Any, lease_until: Any, limit: int) -> Any:
    """Against R2: what a dead process had sent is taken for never sent."""
    freed = []
    for intent in await inner.claim_due(now, lease_until, limit):
        if intent.state is State.SENT:
            freed.append((await inner.apply(Transition(intent, (Event.NOT_PROCESSED,), now))).intent)
        else:
            freed.append(intent)
    return tuple(freed)


async def claims_for_ever(inner: Any, *arguments: Any) -> Any:
    """A claim without a lease's end: whoever dies with it takes the row along."""
    claimed = await inner.claim_due(*arguments)
    for intent in claimed:
        inner.books.intents.due.put(intent.intent_id, None)
    return claimed


def stamps_first(parts: Parts, _: CrashWorld) -> None:
    """A message is stamped as sent and then sent."""

    async def claim_messages(inner: Any, now: Any, lease_until: Any, limit: int) -> Any:
        messages = await inner.claim_messages(now, lease_until, limit)
        for message in messages:
            await inner.sent(message, now)
        return messages

    parts.outbox = Bent(parts.outbox, claim_messages=claim_messages)


CONTROLS = [
    Control("writes the intent after the POST", row_after_the_post, "book_silent:good", "I3"),
    Control("thinks a commit done before it is", done_before_it_is, "repeated:good", "I11"),
    Control("does not recover what was sent", ledger(claim_due=leaves_sent_rows), "book_silent:good", "I12"),
    Control("takes a dead process's POST for none", ledger(claim_due=sent_is_not_sent), "book_silent:good", "I6"),
    Control("never gives a claim back", ledger(claim_due=claims_for_ever), "book_silent:request_lost", "I12"),
    Control("stamps news before it is sent", stamps_first, "book:request_lost", "promise"),
]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.does)
def test_each_control_is_caught(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof that cannot catch this bug would prove nothing; and only the crash shows it."""
    case = case_of(control.case)
    assert live(case, control.bend).violations == []
    one = replace(case.scenario, fates=(case.fate,))
    # All points: what a saboteur does between two of them tells no point that something differs.
    swept = sweep([one], Plan(Where.ALL, sabotage=control.bend))
    found = {violation.invariant: name for name, violation in reversed(swept.failures)}
    with capsys.disabled():
        print(f"\n  {control.does}: {', '.join(found)} ({found.get(control.shown)})", end=" ")
    assert control.shown in found
    replayed = live(case_of(found[control.shown]), control.bend).violations
    assert control.shown in {violation.invariant for violation in replayed}
    assert live(case_of(found[control.shown])).violations == []
