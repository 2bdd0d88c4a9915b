"""What a validation of an installation saw, and what each of its rows makes of it. Pure: it neither looks nor measures.

A row has a verdict, what was seen and what the goal is, in words for whoever runs it. Nothing here is taken on trust: a
row that has no evidence could not look, and that is no pass.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Final

from einmal.domain.verdict import Layer, Reason

LOOK_UP_MS: Final = 5.0
LOOK_UP_ALARM_MS: Final = 10.0
OVERHEAD_MS: Final = 50.0
"""Goals at the operator's own machine."""

THRICE: Final = 3
_TAKEN: Final = "slot_taken"
_BOOKED: Final = frozenset({"booked", "requested"})


class Grade(StrEnum):
    """Closed. The worst of all rows is the verdict of the whole."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    """The promise holds, and somebody should look."""
    NOT_ASKED = "not_asked"
    """It would need what nobody asked for: a booking in a real calendar, a key."""
    COULD_NOT_LOOK = "could_not_look"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Row:
    """One check: its verdict, what was seen, what the goal is."""

    check: str
    grade: Grade
    seen: str
    goal: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A layer's refusal, as it was told to observers."""

    layer: Layer
    reason: Reason


@dataclass(frozen=True, slots=True)
class Given:
    """A booking that is not the caller's was given to the gateway as the calendar's answer: what became of it.

    `status` is what the caller heard; `appointments` how many rows the ledger has for this caller.
    """

    status: str
    refused: tuple[Refused, ...]
    appointments: int


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of the gateway's own door: its HTTP status, and the body."""

    http_status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """What a run made, or what the metrics say that it made: refusals, appointments, bookings whose age was seen."""

    refusals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    appointments: int = 0
    ages: Mapping[str, int] = field(default_factory=dict)


def worst(rows: Sequence[Row]) -> Grade:
    """The verdict of the whole; what was not asked for counts for nothing."""
    order = (Grade.FAIL, Grade.COULD_NOT_LOOK, Grade.WARN)
    return next((one for one in order if any(row.grade is one for row in rows)), Grade.PASS)


def refusal(check: str, given: Given, layer: Layer, reason: Reason) -> Row:
    """It must be this layer's: where another one stops it, this one is off or blind."""
    goal = f"refused by {layer} as {reason}; the caller hears {_TAKEN}, and no row is written"
    by = ", ".join(f"{one.layer} as {one.reason}" for one in given.refused) or "nobody"
    seen = f"refused by {by}; the caller heard {given.status}; {_many(given.appointments, 'row')}"
    held = given.refused == (Refused(layer, reason),) and given.status == _TAKEN and given.appointments == 0
    return Row(check, _held(held), seen, goal)


def replayed(first: Heard, again: Heard, posts: int, appointments: int) -> Row:
    """The same signed request, minutes later: it is heard again, and it books nothing again."""
    goal = "the stored answer, word for word; one request to Cal.com, one appointment"
    same = again.http_status == 200 and again.body == first.body
    answer = "the stored answer" if same else f"another answer (HTTP {again.http_status})"
    seen = f"{answer}; {_many(posts, 'request')} to Cal.com, {_many(appointments, 'appointment')}"
    return Row("replay_two_minutes", _held(same and (posts, appointments) == (1, 1)), seen, goal)


def expired(again: Heard, error: str | None, posts: int) -> Row:
    """The same signed request, after its signature's time: it is not heard at all."""
    goal = "HTTP 401 signature_expired; nothing more is sent to Cal.com"
    seen = f"HTTP {again.http_status} {error or 'without an error'}; {_many(posts, 'request')} to Cal.com in all"
    held = (again.http_status, error, posts) == (401, "signature_expired", 1)
    return Row("replay_six_minutes", _held(held), seen, goal)


def thrice(check: str, statuses: Sequence[str], appointments: int, live: int | None) -> Row:
    """The same name, the same slot and no phone from three calls. `live`: bookings in the calendar; None unread."""
    goal = f"one booked, {THRICE - 1} {_TAKEN}; one appointment, one booking in the calendar"
    heard = ", ".join(sorted(statuses)) or "nothing"
    standing = "an unknown number of" if live is None else str(live)
    seen = f"{heard}; {_many(appointments, 'appointment')}, {standing} in the calendar"
    booked = [one for one in statuses if one in _BOOKED]
    taken = [one for one in statuses if one == _TAKEN]
    as_meant = (len(booked), len(taken), len(statuses), appointments) == (1, THRICE - 1, THRICE, 1)
    if as_meant and live is None:
        return Row(check, Grade.COULD_NOT_LOOK, seen, goal)
    return Row(check, _held(as_meant and live == 1), seen, goal)


def false_positives(statuses: Sequence[str]) -> Row:
    """Different customers on different slots: each of them is booked."""
    goal = f"all {len(statuses)} booked, none refused"
    other = sorted({one for one in statuses if one not in _BOOKED})
    booked = sum(one in _BOOKED for one in statuses)
    seen = f"{booked} of {len(statuses)} booked" + (f"; others heard {', '.join(other)}" if other else "")
    if not statuses:
        return Row("no_false_positives", Grade.COULD_NOT_LOOK, "nobody was booked to look at", goal)
    return Row("no_false_positives", _held(not other), seen, goal)


def overhead(milliseconds: Sequence[float]) -> Row:
    """Einmal's own time in a booking: all of it, less what the calendar took."""
    goal = f"median below {OVERHEAD_MS:g} ms"
    if not milliseconds:
        return Row("overhead", Grade.COULD_NOT_LOOK, "nothing was measured", goal)
    middle = median(milliseconds)
    seen = f"median {middle:.1f} ms, p99 {percentile(milliseconds, 0.99):.1f} ms of {len(milliseconds)} bookings"
    return Row("overhead", _held(middle < OVERHEAD_MS), seen, goal)


def look_up(milliseconds: Sequence[float], appointments: int) -> Row:
    """Between goal and alarm, and for a slow one in a hundred, it warns."""
    goal = f"median below {LOOK_UP_MS:g} ms; alarm over {LOOK_UP_ALARM_MS:g} ms"
    if not milliseconds:
        return Row("look_up", Grade.COULD_NOT_LOOK, "nothing was measured", goal)
    middle, slow = median(milliseconds), percentile(milliseconds, 0.99)
    seen = f"median {middle:.2f} ms, p99 {slow:.2f} ms among {appointments:,} appointments"
    if middle > LOOK_UP_ALARM_MS:
        return Row("look_up", Grade.FAIL, seen, goal)
    return Row("look_up", Grade.WARN if middle >= LOOK_UP_MS or slow > LOOK_UP_ALARM_MS else Grade.PASS, seen, goal)


def constraint_tried(*, refused: bool | None) -> Row:
    """Whether the database itself refused a second row with a booking's uid; None where it could not be tried."""
    goal = "the database refuses a second row with one booking uid"
    if refused is None:
        return Row("constraint_enforced", Grade.COULD_NOT_LOOK, "there was no ledger to try it on", goal)
    seen = "refused on the scratch ledger" if refused else "a second row was taken on the scratch ledger"
    return Row("constraint_enforced", _held(refused), seen, goal)


def constraint_in_force(*, stands: bool) -> Row:
    """The index of the installation's own ledger: that it is there, unique, whole and valid."""
    seen = "it is there, and in force" if stands else "it is missing or not in force; `einmal db upgrade` puts it up"
    return Row("constraint_here", _held(stands), seen, "this ledger's UNIQUE index on booking uids is in force")


def dashboard(made: Made, shown: Made | None) -> Row:
    """What a scrape tells beside what was done."""
    goal = "the metrics have every refusal, appointment and age that the run made"
    if shown is None:
        return Row("dashboard", Grade.COULD_NOT_LOOK, "the metrics could not be read", goal)
    lacking = [
        f"{what}: {_told(theirs)} instead of {_told(ours)}"
        for what, ours, theirs in (
            ("refusals", _plain(made.refusals), _plain(shown.refusals)),
            ("appointments", {"": made.appointments}, {"": shown.appointments}),
            ("ages", dict(made.ages), dict(shown.ages)),
        )
        if {key: n for key, n in ours.items() if n} != {key: n for key, n in theirs.items() if n}
    ]
    refusals, ages = sum(made.refusals.values()), sum(made.ages.values())
    all_there = f"{refusals} refusals, {_many(made.appointments, 'appointment')}, {ages} ages"
    return Row("dashboard", _held(not lacking), "; ".join(lacking) or all_there, goal)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that so large a part of all does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(part * len(ranked)) - 1)]


def _plain(refusals: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {f"{layer} {reason}": count for (layer, reason), count in refusals.items()}


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}".rstrip() for what, count in sorted(counts.items()) if count) or "none"


def _held(held: bool) -> Grade:  # noqa: FBT001
    return Grade.PASS if held else Grade.FAIL


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
