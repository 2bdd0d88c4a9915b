"""A conversation as a data file: what was sent in which order, and what must have come of it. How to write one is told
in tests/conversations/README.md; what this module refuses, it refuses with the name of the file and of the step.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Operation, PlanMistake

T = TypeVar("T")

FOLDER: Final = Path(__file__).parents[1] / "conversations"
BERLIN: Final = ZoneInfo("Europe/Berlin")
BEGINS: Final = "2026-11-23 10:00"
"""A Monday."""


class BadConversation(Exception):
    """The file cannot be played; says which, where and why."""


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """`number` is "anonymous" for a line that is withheld, and None for a call from the web."""

    name: str
    number: str | None
    house: str
    agent: str
    call_id: str

    def told(self) -> dict[str, Any]:
        """The call object, as the platform sends it."""
        call: dict[str, Any] = {"call_id": self.call_id, "agent_id": self.agent, "agent_version": 7}
        if self.number is None:
            call |= {"call_type": "web_call"}
        else:
            call |= {"call_type": "phone_call", "direction": "inbound"}
            call |= {"from_number": self.number, "to_number": self.house}
        return call | {"call_status": "ongoing", "metadata": {}, "retell_llm_dynamic_variables": {}}


@dataclass(frozen=True, slots=True)
class Again:
    """What the second of two equal requests is answered, where it is not the same; and why that is right."""

    status: str
    because: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one answer. What is None is not looked at."""

    status: str
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    start: str | None = None
    service: str | None = None
    offers: tuple[str, ...] | None = None
    offers_min: int | None = None
    missing: tuple[str, ...] | None = None
    readings: tuple[str, ...] | None = None
    appointments: tuple[str, ...] | None = None
    has: Mapping[str, Any] = field(default_factory=dict)
    same_as: str | None = None
    within_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    function: str
    call: PhoneCall | None
    args: Mapping[str, Any]
    expect: Expected | None
    label: str | None = None
    args_only: bool = False
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    event: str
    call: PhoneCall
    reason: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody acts at the calendar itself. `does` is books, cancels, moves, confirms or declines."""

    does: str
    start: datetime
    service: str | None = None
    name: str | None = None
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    span: timedelta


@dataclass(frozen=True, slots=True)
class Weather:
    plan: FaultPlan


@dataclass(frozen=True, slots=True)
class Together:
    """Calls of one moment; `statuses` of all of them, in any order."""

    calls: tuple[FunctionCall, ...]
    statuses: tuple[str, ...] | None


Step = FunctionCall | Webhook | Person | Wait | Weather | Together


@dataclass(frozen=True, slots=True)
class End:
    """What must stand once everything has come to rest; what is None is not looked at."""

    calendar: tuple[str, ...]
    intents: tuple[str, ...]
    changes: tuple[str, ...] = ()
    callbacks: int = 0
    holds: int = 0
    news: tuple[str, ...] | None = None
    processed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conversation:
    name: str
    title: str
    shows: str
    language: str
    house: str
    begins: datetime
    on_request: tuple[str, ...]
    private: tuple[str, ...]
    before: tuple[Person, ...]
    steps: tuple[Step, ...]
    end: End
    guard: bool = True
    """Off in controls only: the layers of the guard."""


def conversations(folder: str = ".") -> list[Conversation]:
    """Those of a folder, in the order of their names."""
    return [read(path) for path in sorted((FOLDER / folder).glob("*.toml"))]


def read(path: Path) -> Conversation:
    """Raises BadConversation."""
    try:
        return of_text(path.stem, path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, PlanMistake, ValueError, TypeError, KeyError) as wrong:
        raise BadConversation(f"{path.name}: {type(wrong).__name__}: {wrong}") from wrong


def of_text(name: str, text: str) -> Conversation:
    told = tomllib.loads(text)
    calls = {key: _phone_call(key, one) for key, one in told.pop("calls", {}).items()}
    steps = [_numbered(number, one, calls) for number, one in enumerate(told.pop("steps"), 1)]
    begins = local(told.pop("begins", BEGINS))
    before = tuple(_person({"does": "books"} | one) for one in told.pop("before", []))
    end = _made(End, told.pop("end"))
    lists: dict[str, Any] = {key: tuple(told.pop(key, ())) for key in ("on_request", "private")}
    told |= {"house": told.get("house", "plain"), "language": told.get("language", "de")}
    return Conversation(name, begins=begins, before=before, steps=tuple(steps), end=end, **lists, **told)


def local(text: str) -> datetime:
    """What stands on the clock in Berlin, as an instant."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN).astimezone(UTC)


def on_the_clock(at: datetime) -> str:
    return f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M}"


def _phone_call(name: str, told: dict[str, Any]) -> PhoneCall:
    known = {"from": "web", "to": "+493012345678", "agent": "agent_1", "id": _id(name)} | told
    if len(known) > 4:
        raise ValueError(f"calls.{name} takes from, to, agent and id")
    number = None if known["from"] == "web" else known["from"]
    return PhoneCall(name, number, known["to"], known["agent"], known["id"])


def _id(name: str) -> str:
    """As long as the platform's are, and always the same for this name."""
    return "call_" + name.encode().hex().ljust(27, "0")[:27]


def _numbered(number: int, told: dict[str, Any], calls: Mapping[str, PhoneCall]) -> Step:
    try:
        return _step(told, calls)
    except (PlanMistake, ValueError, TypeError, KeyError) as wrong:
        raise ValueError(f"step {number}: {type(wrong).__name__} {wrong}") from wrong


def _step(told: dict[str, Any], calls: Mapping[str, PhoneCall]) -> Step:
    match told:
        case {"function": _}:
            return _function(told, calls)
        case {"webhook": event, "call": call, **more}:
            return Webhook(event, calls[call], **more)
        case {"together": several, **more}:
            statuses = more.pop("statuses", None)
            _nothing_else(more)
            every = tuple(_function(one, calls) for one in several)
            return Together(every, None if statuses is None else tuple(sorted(statuses)))
        case {"person": person, **more}:
            _nothing_else(more)
            return _person(person)
        case {"wait": span, **more}:
            _nothing_else(more)
            return Wait(_span(span))
        case {"weather": rules, **more}:
            _nothing_else(more)
            return Weather(FaultPlan(tuple(_rule(dict(rule)) for rule in rules)))
        case _:
            raise ValueError("it is a function, a webhook, together, a person, a wait or the weather")


def _function(told: dict[str, Any], calls: Mapping[str, PhoneCall]) -> FunctionCall:
    told = dict(told)
    call, again, expect = told.pop("call", None), told.pop("again", None), told.pop("expect", None)
    return FunctionCall(
        call=None if call is None else calls[call],
        again=None if again is None else Again(**again),
        expect=None if expect is None else _made(Expected, expect),
        args=told.pop("args", {}),
        label=told.pop("as", None),
        **told,
    )


def _person(told: dict[str, Any]) -> Person:
    told = told | {key: local(told[key]) for key in ("start", "to") if key in told}
    if told["does"] not in {"books", "cancels", "moves", "confirms", "declines"}:
        raise ValueError(f"a person books, cancels, moves, confirms or declines, and never {told['does']!r}")
    return Person(**told)


_UNITS: Final = {"s": 1, "min": 60, "h": 3600}


def _span(text: str) -> timedelta:
    number, _, unit = text.partition(" ")
    return timedelta(seconds=float(number) * _UNITS[unit])


def _rule(told: dict[str, Any]) -> FaultRule:
    fault, operation, nth = Fault(told.pop("fault")), told.pop("operation", "any"), told.pop("nth", None)
    named = operation if isinstance(operation, list) else [operation]
    operations = frozenset(Operation) if operation == "any" else frozenset(map(Operation, named))
    times = None if nth is None else frozenset(nth if isinstance(nth, list) else [nth])
    return FaultRule(fault, operations, nth=times, parameters=told or None)


def _made(kind: type[T], told: Mapping[str, Any]) -> T:
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    unknown = [key for key in told if key not in known]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: {kind.__name__.lower()} takes {', '.join(known)}")
    return kind(**{key: _frozen(value) for key, value in told.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _nothing_else(more: Mapping[str, Any]) -> None:
    if more:
        raise ValueError(f"{', '.join(more)} does not belong to this kind of step")
