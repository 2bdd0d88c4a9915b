"""That Cal.com tells the gateway of every change: one subscription, found, made or mended, and whatever a team needs.

An account's subscription hears of the account's own event types. A team's fire only a subscription of the team or of
the event type, and Cal.com gives neither by API to those who are hosts (recorded): what cannot be done is told, for a
person.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from einmal.adapters.calcom.subscriptions import (
    AnswerLost,
    CouldNotAsk,
    Flaw,
    Refused,
    Standing,
    Subscriptions,
    Wanted,
)
from einmal.domain.model import Service
from einmal.secret import Secret

PATH: Final = "/api/webhooks/calcom"


class State(StrEnum):
    """Of one subscription that should stand."""

    RIGHT = "right"
    MADE = "made"
    MENDED = "mended"
    MISSING = "missing"
    WRONG = "wrong"
    BY_HAND = "by_hand"
    """Only a person can make it, and whether one has, Cal.com does not tell."""
    UNKNOWN = "unknown"
    """Cal.com knows no such event type, or none that this key may see."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subscription should stand: at the account, or at an event type."""

    event_type_id: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What is so there."""

    place: Place
    state: State
    flaws: tuple[Flaw, ...] = ()
    lacking: tuple[str, ...] = ()
    twice: bool = False
    secret_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """Of one account. `url`: where the webhooks should go, or None where nobody said and none stands.

    `foreign`: what else goes to a gateway's path, without what follows the path in an address.
    """

    url: str | None
    found: tuple[Found, ...]
    foreign: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return not any(one.state in {State.MISSING, State.WRONG} for one in self.found)


async def register(subscriptions: Subscriptions, wanted: Wanted, services: Iterable[Service]) -> Survey:
    """Make and mend what can be. Raises CouldNotAsk; then it may be run again."""
    found = [await _ensured(subscriptions, Place(), wanted)]
    found += [await _ensured(subscriptions, place, wanted) for place in await _apart(subscriptions, services)]
    return Survey(wanted.url, tuple(found), _foreign(await subscriptions.of_account(), wanted.url))


async def survey(subscriptions: Subscriptions, url: str | None, secret: Secret, services: Iterable[Service]) -> Survey:
    """What stands. Without an address, the first one that leads to a gateway's path. Raises CouldNotAsk."""
    account = await subscriptions.of_account()
    url = url or next((one.url for one in account if _leads_here(one.url)), None)
    if url is None:
        return Survey(None, (Found(Place(), State.MISSING),), ())
    wanted = Wanted(url, secret)
    found = [_found(Place(), account, wanted)]
    for place in await _apart(subscriptions, services):
        there = await subscriptions.of_event_type(place.event_type_id or 0)
        found.append(_refused(place, there) if isinstance(there, Refused) else _found(place, there, wanted))
    return Survey(url, tuple(found), _foreign(account, url))


async def _apart(subscriptions: Subscriptions, services: Iterable[Service]) -> tuple[Place, ...]:
    """The event types of which the account's own subscription hears nothing, or may not.

    Those that say they are a team's, and those that Cal.com does not list for this key. Of no services, all listed.
    """
    listed = {one.id: one for one in await subscriptions.event_types()}
    offered = {one.event_type_id: one.name for one in services} or {one.id: one.title for one in listed.values()}
    own = {one.id for one in listed.values() if not one.of_team}
    return tuple(Place(number, title) for number, title in offered.items() if number not in own)


async def _ensured(subscriptions: Subscriptions, place: Place, wanted: Wanted) -> Found:
    """Make it or mend it, and believe only what is read afterwards."""
    before = await _standing_at(subscriptions, place)
    if isinstance(before, Refused):
        return _refused(place, before)
    seen = _found(place, before, wanted)
    if seen.state is State.RIGHT and not seen.secret_unseen:
        return seen
    lost: AnswerLost | None = None
    try:
        if seen.state is State.MISSING:
            await subscriptions.make(wanted, place.event_type_id)
        else:
            standing = next(one for one in before if one.url == wanted.url)
            await subscriptions.mend(standing, wanted, place.event_type_id)
    except AnswerLost as failure:
        lost = failure
    after = await _standing_at(subscriptions, place)
    now = _refused(place, after) if isinstance(after, Refused) else _found(place, after, wanted)
    if now.state is State.RIGHT and seen.state is State.RIGHT:
        return now  # its secret is not shown: it was only set once more
    if now.state is State.RIGHT:
        return replace(now, state=State.MADE if seen.state is State.MISSING else State.MENDED)
    if lost is not None:
        # It may still be done; a second request could do it twice.
        raise CouldNotAsk(f"{lost.args[0]}; whether the webhook stands is not known yet: run this again")
    return now


async def _standing_at(subscriptions: Subscriptions, place: Place) -> tuple[Standing, ...] | Refused:
    if place.event_type_id is None:
        return await subscriptions.of_account()
    return await subscriptions.of_event_type(place.event_type_id)


def _found(place: Place, standing: tuple[Standing, ...], wanted: Wanted) -> Found:
    ours = [one for one in standing if one.url == wanted.url]
    if not ours:
        return Found(place, State.MISSING)
    first = ours[0]
    flaws = first.flaws(wanted)
    state = State.WRONG if flaws else State.RIGHT
    return Found(place, state, flaws, first.lacking, twice=len(ours) > 1, secret_unseen=not first.shows_secret)


def _refused(place: Place, why: Refused) -> Found:
    return Found(place, State.BY_HAND if why is Refused.NOT_THE_OWNER else State.UNKNOWN)


def _foreign(standing: tuple[Standing, ...], url: str) -> tuple[str, ...]:
    return tuple(_bare(one.url) for one in standing if one.url != url and _leads_here(one.url))


def _leads_here(url: str) -> bool:
    try:
        path = urlsplit(url).path
    except ValueError:
        return False
    return path == PATH or path.startswith(f"{PATH}/")


def _bare(url: str) -> str:
    """Without user and query: people put passwords there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
