"""Ready-made event types: a hairdresser's for demonstrations, and those the recordings were made with.

The latter carry the ids, slugs and hosts of the event types seeded on Cal.com's own server, so that what was
recorded from it can be replayed as it is.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.records import EventType, Host, Scheduling

# Cal.com's uids: a UUID written with the characters that nobody confuses.
_UID_ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_UID_LENGTH = 22

_BERLIN = "Europe/Berlin"


def demo_event_types() -> tuple[EventType, ...]:
    """What a small salon offers. All three take the same person's time, so they exclude each other."""
    stylist = Host(100, "Salon Beispiel", "salon@host.example.test", "salon-beispiel", _BERLIN)
    offers = ((101, "Beratung", 30), (102, "Haarschnitt", 45), (103, "Dauerwelle", 135))
    return tuple(
        EventType(
            id=event_type_id,
            slug=title.lower(),
            title=title,
            length_minutes=length_minutes,
            hosts=(stylist,),
            # A team of one: this is the kind of event type whose repeats give back the old booking.
            scheduling=Scheduling.ROUND_ROBIN,
            opens=(8, 18),
            time_zone=_BERLIN,
        )
        for event_type_id, title, length_minutes in offers
    )


def recorded_event_types() -> tuple[EventType, ...]:
    """The seeded event types of the recordings: 30 minutes, UTC, open all day."""
    alone, team = Scheduling.INDIVIDUAL, Scheduling.ROUND_ROBIN
    limited, early = _host(7, "u-limit1"), _host(8, "u-dflt_notice")
    confirm = _seeded(3, "confirm", alone, _host(3, "u-confirm"))
    block = _seeded(5, "confirm_block", alone, _host(5, "u-confirm_block"))
    rr2_confirm = _seeded(12, "rr2_confirm", team, _host(14, "rr2_confirm-h0"), _host(15, "rr2_confirm-h1"))
    phone, phone_confirm = _seeded(14, "phone", alone, limited), _seeded(15, "phone_confirm", alone, limited)
    confirm_limit = _seeded(16, "confirm_limit", alone, early)
    return (
        _seeded(1, "plain", alone, _host(1, "u-plain")),
        replace(confirm, requires_confirmation=True),
        replace(block, requires_confirmation=True, confirmation_blocks_slot=True),
        replace(_seeded(6, "seats", alone, _host(6, "u-seats")), seats=5),
        replace(_seeded(7, "limit1", alone, limited), bookings_per_booker=1),
        replace(_seeded(8, "dflt_notice", alone, early), minimum_notice_minutes=120),
        _seeded(9, "rr2", team, _host(9, "rr2-h0"), _host(10, "rr2-h1")),
        _seeded(10, "rr1", team, _host(11, "rr1-h0")),
        replace(rr2_confirm, requires_confirmation=True),
        _seeded(13, "coll2", Scheduling.COLLECTIVE, _host(16, "coll2-h0"), _host(17, "coll2-h1")),
        replace(phone, asks_for_phone=True),
        replace(phone_confirm, asks_for_phone=True, requires_confirmation=True),
        replace(confirm_limit, requires_confirmation=True, bookings_per_booker=1),
    )


def random_uid() -> str:
    """A uid as Cal.com draws it: never the same for the same wish, which is half of the problem."""
    return "".join(secrets.choice(_UID_ALPHABET) for _ in range(_UID_LENGTH))


def demo_calendar() -> SimulatedCalendar:
    """The salon's calendar on the clock of this machine."""
    return SimulatedCalendar(demo_event_types(), now=lambda: datetime.now(UTC), new_uid=random_uid)


def _host(host_id: int, name: str) -> Host:
    return Host(host_id, name, f"{name}@host.example.test", name)


def _seeded(event_type_id: int, slug: str, scheduling: Scheduling, *hosts: Host) -> EventType:
    return EventType(id=event_type_id, slug=slug, title=slug, length_minutes=30, hosts=hosts, scheduling=scheduling)
