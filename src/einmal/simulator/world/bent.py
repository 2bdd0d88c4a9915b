"""Gateways bent out of shape: a port with some methods replaced, and the ways in which a saboteur puts one in."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.model import Booking
from einmal.simulator.world.episode import Episode, Setting
from einmal.simulator.world.parts import Parts


class Bent:
    """A port with one or more of its methods replaced; the rest is the port's own."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        self._inner = inner
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        method = self._methods.get(name)
        if method is None:
            return getattr(self._inner, name)
        inner = self._inner

        async def bent(*arguments: Any, **named: Any) -> Any:
            return await method(inner, *arguments, **named)

        return bent


@dataclass(frozen=True, slots=True)
class Saboteur:
    name: str
    does: str
    bend: Callable[[Parts, Episode], None]
    setting: Setting = field(default_factory=Setting)


def answers(change: Callable[[Any, Answer], Answer]) -> Callable[[Parts, Episode], None]:
    """Every answer to a POST, changed."""

    async def create(inner: Any, request: Any) -> Answer:
        return change(request, await inner.create(request))

    def bend(parts: Parts, _: Episode) -> None:
        parts.calendar = Bent(parts.calendar, create=create)

    return bend


def turned(kinds: set[AnswerKind], into: AnswerKind) -> Callable[[Parts, Episode], None]:
    return answers(lambda _, answer: replace(answer, kind=into) if answer.kind in kinds else answer)


def with_booking(change: Callable[[Any, Booking], Booking]) -> Callable[[Parts, Episode], None]:
    def changed(request: Any, answer: Answer) -> Answer:
        return answer if answer.booking is None else replace(answer, booking=change(request.intent, answer.booking))

    return answers(changed)


def calendar(**methods: Callable[..., Any]) -> Callable[[Parts, Episode], None]:
    def bend(parts: Parts, _: Episode) -> None:
        parts.calendar = Bent(parts.calendar, **methods)

    return bend


def ledger(**methods: Callable[..., Any]) -> Callable[[Parts, Episode], None]:
    def bend(parts: Parts, _: Episode) -> None:
        parts.ledger = Bent(parts.ledger, **methods)

    return bend


def parts_with(**fields: Any) -> Callable[[Parts, Episode], None]:
    def bend(parts: Parts, _: Episode) -> None:
        for name, value in fields.items():
            setattr(parts, name, value)

    return bend
