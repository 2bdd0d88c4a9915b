"""Who calls: persons, what they wish, and how a call goes on when it was answered, or was not.

As seen in the field: the platform repeats a request up to five times, overlapping; the model asks again in other
words, takes an alternative, or asks how it stands; people hang up, call again, and call for somebody else.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from einmal.domain.model import Person, Service, Wish
from einmal.domain.reply import Outcome, Reply

T = TypeVar("T")

SERVICE: Final = Service("101", "Beratung", 101, 30)

_NAMES: Final = ("Jürgen Groß", "Anna Berg", "Ben Cohn", "Ayşe Yılmaz", "Zoë Åkesson", "Karl Meier")

Ask = Callable[[Wish, str], Awaitable[Reply | None]]
"""One function call; None where nobody heard an answer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One phone call by one person."""

    call_id: str
    person: Person
    slots: tuple[datetime, ...]
    patience: float
    """How likely somebody goes on after an answer they did not want."""


def callers(
    count: int, opening: datetime, chance: random.Random, starts: Sequence[datetime] | None = None
) -> list[Caller]:
    """So many calls, by fewer people, for few slots: they meet."""
    people = [_person(number, chance) for number in range(max(1, count * 2 // 3))]
    if starts is None:
        starts = [opening + timedelta(days=2, minutes=30 * number) for number in range(max(2, count // 2))]
    return [
        Caller(f"call_{number}", chance.choice(people), tuple(chance.sample(starts, 2)), chance.random())
        for number in range(count)
    ]


def _person(number: int, chance: random.Random) -> Person:
    name = chance.choice(_NAMES)
    match chance.randrange(4):
        case 0:
            return Person(name)
        case 1:
            return Person(name, email=f"guest{number}@example.test")
        case _:
            return Person(name, phone=f"+49301234{number:04d}")


async def phone_call(caller: Caller, ask: Ask, chance: random.Random) -> None:
    """The whole call, from ringing to hanging up."""
    await asyncio.sleep(chance.random() * 600)
    wish = _wish(caller, caller.slots[0])
    reply = await _with_retries(caller, wish, ask, chance)
    for _ in range(3):
        if reply is not None and reply.success:
            break
        if chance.random() > caller.patience:
            return
        await asyncio.sleep(1 + chance.random() * chance.choice((5, 90)))
        takes_another = reply is not None and reply.outcome is Outcome.SLOT_TAKEN and chance.random() < 0.6
        wish = _wish(caller, caller.slots[1]) if takes_another else _in_other_words(wish, chance)
        reply = await _with_retries(caller, wish, ask, chance)
    if chance.random() < 0.2:
        # "And one more": a second wish in the same call.
        await _with_retries(caller, _wish(caller, caller.slots[1]), ask, chance)
    if chance.random() < 0.15:
        # The same person, from another call.
        await asyncio.sleep(chance.random() * 200)
        again = Caller(f"{caller.call_id}b", caller.person, caller.slots, caller.patience)
        await _with_retries(again, _wish(again, caller.slots[0]), ask, chance)


async def _with_retries(caller: Caller, wish: Wish, ask: Ask, chance: random.Random) -> Reply | None:
    return await with_retries(lambda: ask(wish, caller.call_id), chance)


async def with_retries(ask: Callable[[], Awaitable[T | None]], chance: random.Random) -> T | None:
    """What the platform does: it may repeat the request, before and after it was answered. The last answer heard."""
    repeats = chance.choice((0, 0, 0, 0, 1, 1, 2, 5))
    tasks = [asyncio.ensure_future(ask())]
    for _ in range(repeats):
        await asyncio.sleep(chance.random() * 3)
        tasks.append(asyncio.ensure_future(ask()))
    if repeats == 0 and chance.random() < 0.05:
        # The caller hangs up, or the agent's own time-out ends the request.
        await asyncio.sleep(chance.random() * 2)
        tasks[0].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    heard = [answer for answer in answers if answer is not None and not isinstance(answer, BaseException)]
    return heard[-1] if heard else None


def _wish(caller: Caller, start: datetime) -> Wish:
    return Wish("default", caller.call_id, SERVICE, start, caller.person)


def name_in_other_words(name: str, chance: random.Random) -> str:
    return chance.choice((name, name.upper(), f"Herr {name}", name.replace("ü", "ue")))


def _in_other_words(wish: Wish, chance: random.Random) -> Wish:
    person = wish.person
    name = name_in_other_words(person.name, chance)
    return Wish(
        wish.tenant_id, wish.conversation_id, wish.service, wish.start, Person(name, person.phone, person.email)
    )
