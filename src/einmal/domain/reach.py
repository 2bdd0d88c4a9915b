"""Whom each channel can reach, and so what may be promised to a caller and what goes where."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

from einmal.domain.model import Person
from einmal.domain.promise import MessageKind


class Channel(StrEnum):
    LOG = "log"
    """Reaches nobody: ids, for whoever reads logs."""
    WEBHOOK = "webhook"
    """The house's own system, which is told all of it."""
    SLACK = "slack"
    """A person of the house."""
    MAIL = "mail"
    """A person of the house; and customers who gave an e-mail."""
    SMS = "sms"
    """Customers whose number is known."""


FOR_THE_CALLER: Final = frozenset({MessageKind.RESOLVED, MessageKind.CONFIRMED})
"""What is told to the caller. The rest is for the house alone."""

_OF_THE_HOUSE: Final = frozenset({Channel.WEBHOOK, Channel.SLACK, Channel.MAIL})


def reaches(channels: Collection[str], person: Person) -> bool:
    """Whether this person can hear of it later: from us, or from the house, which then calls or writes."""
    return _by_the_house(channels, person) or bool(directly(channels, person))


def directly(channels: Collection[str], person: Person) -> tuple[str, ...]:
    """The channels that end at this very person, without anybody of the house in between."""
    ways = ((Channel.SMS, person.phone), (Channel.MAIL, person.email))
    return tuple(way for way, address in ways if way in channels and address is not None)


def heard_on(channels: Sequence[str], kind: MessageKind, person: Person) -> tuple[str, ...]:
    """The channels that have something to say of it: a row of the outbox each, and none for those that would be silent.

    What a caller was promised goes to them; where no channel ends at them, a person of the house is asked to tell them.
    """
    return tuple(channel for channel in channels if _hears(channel, channels, kind, person))


def confirming(channels: Collection[str], person: Person) -> tuple[str, ...]:
    """On which channels we confirm a booking ourselves, because the calendar surely wrote to nobody: it was given an
    address of the house's, for want of the customer's own."""
    return directly(channels, person) if person.email is None else ()


def _hears(channel: str, channels: Collection[str], kind: MessageKind, person: Person) -> bool:
    if channel not in {Channel.SLACK, Channel.MAIL, Channel.SMS}:
        return True
    if kind not in FOR_THE_CALLER:
        return channel != Channel.SMS
    # Who gave an e-mail has the calendar's own confirmation.
    direct = confirming(channels, person) if kind is MessageKind.CONFIRMED else directly(channels, person)
    if direct or channel == Channel.SMS:
        return channel in direct
    asked_to_tell = kind is MessageKind.RESOLVED and Channel.WEBHOOK not in channels
    return asked_to_tell and _by_the_house(channels, person)


def _by_the_house(channels: Collection[str], person: Person) -> bool:
    contact = person.phone is not None or person.email is not None
    return contact and not _OF_THE_HOUSE.isdisjoint(channels)
