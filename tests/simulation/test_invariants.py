"""I9, I15 and I17 in the simulated worlds, each beside a control that it catches."""

import asyncio
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.telemetry.logs import JsonLines, LogObserver, channel
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.canaries import canaries_in
from einmal.domain.evidence import By, Evidence, Violation
from einmal.domain.model import MetadataKey
from einmal.domain.skew import same_decisions
from einmal.domain.verdict import GuardPolicy
from einmal.simulator.asgi import request as send_request
from einmal.simulator.virtual import VirtualClock, run_virtual
from einmal.simulator.world.bent import Bent
from einmal.simulator.world.episode import Episode, Result, Setting
from einmal.simulator.world.parts import Parts
from support.canary import overheard
from support.virtual import NOTIFIED, Salon, pass_time, play, salon

Bend = Callable[[Parts, Episode], None]

# I9


def lived(seed: int, bend: Bend, setting: Setting | None = None) -> Result:
    async def story() -> Result:
        return await Episode(seed, setting or Setting(), sabotage=bend).run()

    return run_virtual(story())


def forces_its_way(parts: Parts, episode: Episode) -> None:
    """What is refused because somebody has the slot is put there all the same, as `allowConflicts` would."""

    async def create(inner: Any, request: Any) -> Answer:
        answer: Answer = await inner.create(request)
        if answer.kind is not AnswerKind.CONFLICT:
            return answer
        wish, metadata = request.intent.wish, {MetadataKey.OPERATION_ID.value: request.intent.operation_id}
        kept = episode.calendar._keep(  # noqa: SLF001 - around everything that would refuse it
            wish.start,
            wish.service.duration,
            wish.service.event_type_id,
            metadata,
            request.intent.attendee_email,
            By.US,
        )
        return Answer(AnswerKind.BOOKING, kept, 201)

    parts.calendar = Bent(parts.calendar, create=create)


def test_a_gateway_that_forces_its_way_is_caught_by_i9() -> None:
    """The control: the sound gateway lives through the same seeds without one overlap."""
    forced, sound = (
        {one.invariant for seed in range(1, 6) for one in lived(seed, bend).violations}
        for bend in (forces_its_way, lambda *_: None)
    )
    assert "I9" in forced
    assert sound == set()


# I17


class SkewedEpisode(Episode):
    """A world in which every gateway's wall clock is off, from the first moment to the last."""

    def __init__(
        self, seed: int, skew: timedelta, bend: Bend = lambda *_: None, setting: Setting | None = None
    ) -> None:
        def skewed(parts: Parts, episode: Episode) -> None:
            parts.clock = VirtualClock(skew=skew)
            bend(parts, episode)

        super().__init__(seed, setting or Setting(), sabotage=skewed)
        self.skew = skew

    async def _work(self, number: int) -> None:
        """As the world's own, which would take the rows' times for its own."""
        while True:
            await self.processes[number].worker.turn()
            due = self.books.next_due()
            pause = 60.0 if due is None else (due - self.skew - self.clock.now()).total_seconds()
            await asyncio.sleep(min(60.0, max(1.0, pause)))


def decided(seed: int, hours: int, bend: Bend = lambda *_: None) -> Evidence:
    async def story() -> Result:
        return await SkewedEpisode(seed, timedelta(hours=hours), bend).run()

    evidence = run_virtual(story()).evidence
    assert evidence is not None
    return evidence


def seed_mode(parts: Parts, _: Episode) -> None:
    """Ownership off: then freshness decides, by a clock that may be ours."""
    parts.guard = GuardPolicy(ownership=False)


SEEDS = range(1, 13)


@pytest.mark.parametrize("hours", [-24, 24])
def test_with_our_clock_a_day_off_the_same_is_decided(hours: int) -> None:
    """Every state, booking, answer and request of the same seed, in bad weather."""
    for seed in SEEDS:
        told = [*same_decisions(decided(seed, 0), decided(seed, hours))]
        assert told == [], f"seed {seed}"


def test_a_guard_that_trusts_our_clock_is_caught_by_i17() -> None:
    """The control: in seed mode a booking of ours is stale by a day."""
    found = [
        one.invariant
        for seed in SEEDS
        for one in same_decisions(decided(seed, 0, seed_mode), decided(seed, 24, seed_mode))
    ]
    assert "I17" in found


# I15

NAME, PHONE, MAIL = "Żaneta Kanarienvögel", "+4915799912345", "kanari.enz@vogel.test"
OTHER_NAME, OTHER_PHONE, OTHER_MAIL = "Quirin Papageienfeder", "+4915788854321", "papa.gei@feder.test"
CANARIES = (NAME, PHONE, MAIL, OTHER_NAME, OTHER_PHONE, OTHER_MAIL)

PLANS = {
    "good weather": "",
    "lost answers": '[[rule]]\nfault = "lost_answer"\noperation = "create"\n',
    "lost requests": '[[rule]]\nfault = "lost_request"\noperation = "create"\n',
    "conflicts": '[[rule]]\nfault = "conflict_409"\noperation = "create"\n',
    "strangers": '[[rule]]\nfault = "foreign_booking"\noperation = "create"\nnth = [2]\n',
    "nothing but errors": '[[rule]]\nfault = "error_before_commit"\n',
    "late": '[[rule]]\nfault = "late_commit"\noperation = "create"\ncommit_after_seconds = 700\n',
    "metadata gone": '[[rule]]\nfault = "missing_metadata"\noperation = "create"\n',
}


@contextmanager
def heard() -> Iterator[io.StringIO]:
    """Every line of every channel, as it would stand in a file, down to the least important."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("einmal")
    before = (root.handlers[:], root.level, root.propagate)
    root.handlers[:], root.propagate = [handler], False
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.handlers[:], root.propagate = before[0], before[2]
        root.setLevel(before[1])


class Repeater(LogObserver):
    """Writes the lines, and keeps each fact as it would look in a debugger or a traceback."""

    def __init__(self) -> None:
        self.facts: list[Any] = []

    def observe(self, facts: Any) -> None:
        super().observe(facts)
        self.facts += facts


async def sung(made: Salon, texts: list[tuple[str, str]]) -> None:
    """Calls by people who must be named nowhere; and what was answered where it was not a booking."""
    async with made.gateway() as opened:
        opened.work(5.0)
        persons = (
            {"name": NAME, "telefon": PHONE},
            {"name": NAME, "email": MAIL},
            {"name": OTHER_NAME, "telefon": OTHER_PHONE, "email": OTHER_MAIL},
            {"name": OTHER_NAME, "uhrzeit": "25:99", "telefon": PHONE},
            {"name": OTHER_NAME, "dienstleistung": MAIL, "email": f"{MAIL} at"},
        )
        for number, person in enumerate(persons):
            answer = await opened.call(f"call_{number % 3}", **person)
            if not answer["success"]:
                texts.append((f"the answer to call {number}", str(answer)))
        odd = (
            f'{{"args": "{NAME}"'.encode(),
            f'["{PHONE}"]'.encode(),
            f'{{"name": "{MAIL}", "args": {{"name": ["{NAME}"], "telefon": {{"{PHONE}": 1}}}}}}'.encode(),
        )
        for number, body in enumerate(odd):
            for path in ("/api/retell/collect-appointment", "/api/retell/function-call", f"/nowhere/{PHONE}"):
                said = await send_request(opened.app, "POST", path, body)
                texts.append((f"the error to body {number} at {path[:12]}", said.body.decode()))
        await pass_time(timedelta(hours=2))
        things = (opened.gateway.tenant, opened.gateway.settings, opened.gateway.ledger, opened.gateway.worker)
        texts += [(type(thing).__name__, repr(thing)) for thing in things]


def texts_of(folder: Path, plan: str, stories: Callable[[Salon], None] = lambda _: None) -> list[tuple[str, str]]:
    """All that came out beside the calendar's requests and the callers' own answers."""
    observer = Repeater()
    made = replace(salon(folder, plan, **NOTIFIED), observer=observer)  # type: ignore[arg-type]
    texts: list[tuple[str, str]] = []
    with heard() as lines:

        async def story(_: Salon) -> None:
            await sung(made, texts)
            stories(made)

        play(story, made)
    texts += [(f"line {number}", line) for number, line in enumerate(lines.getvalue().splitlines())]
    return texts + [(f"fact {number}", repr(one)) for number, one in enumerate(observer.facts)]


@pytest.mark.parametrize("name", PLANS)
def test_no_canary_is_heard_in_logs_errors_and_facts(tmp_path: Path, name: str) -> None:
    """Whatever goes wrong: lines, error bodies and `repr`s name nobody."""
    texts = texts_of(tmp_path, PLANS[name])
    assert [*canaries_in(texts, CANARIES)] == []
    where = {text.partition(" ")[0] for text, _ in texts}
    assert {"line", "fact", "the", "Tenant", "Settings"} <= where, "each kind of text was looked through"


def _says_the_name(_: Salon) -> None:
    channel("guard").info("booked for %s", NAME)


def _says_a_field(_: Salon) -> None:
    channel("calcom").info("answer", extra={"fields": {"attendee": {"email": MAIL}}})


def _dials(_: Salon) -> None:
    channel("alerts").error("call back 0157 999 123 45")


def _quotes_a_url(_: Salon) -> None:
    channel("calcom").info("GET /v2/bookings?attendeeEmail=papa.gei%40feder.test")


@pytest.mark.parametrize(
    ("saboteur", "number"), [(_says_the_name, 0), (_says_a_field, 2), (_dials, 1), (_quotes_a_url, 5)]
)
def test_a_log_that_names_somebody_is_caught_by_i15(tmp_path: Path, saboteur: Any, number: int) -> None:
    """The control, in each form in which it leaks."""
    with overheard():
        found = [*canaries_in(texts_of(tmp_path, "", saboteur), CANARIES)]
    assert [one.text.partition(" in line")[0] for one in found] == [f"canary {number}"]


def test_a_traceback_in_the_log_quotes_nobody() -> None:
    """A bug's own message may hold what a caller said; the log has its type and its place."""
    with heard() as lines:
        try:
            int(f"odd phone {PHONE} of {NAME}")
        except ValueError:
            channel("http").exception("failed")
            raw = traceback.format_exc()
    assert [*canaries_in([("log", lines.getvalue())], CANARIES)] == []
    assert [*canaries_in([("raw", raw)], CANARIES)] == [
        Violation("I15", "canary 0 in raw"),
        Violation("I15", "canary 1 in raw"),
    ], "the control"
