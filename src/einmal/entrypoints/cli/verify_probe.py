"""`einmal verify --probe`: can this Cal.com account do what the gateway relies on?

Three questions read only. The other three need a booking, which is made where an event type for tests was named.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.calcom.probe import KeyRefused, Listed, Probe, Unreached, flaws_of_answer
from einmal.adapters.calcom.wire import http_date
from einmal.domain import proof_probe
from einmal.domain.proof import Grade, Row
from einmal.domain.proof_probe import Booked, Glance
from einmal.entrypoints.cli.verify_tidy import is_ours
from einmal.entrypoints.cli.verify_trial import Exchange, Overheard
from einmal.ports import Clock
from einmal.settings import Settings

LISTED_TRIES: Final = 3
"""A list may lag behind what was just written; so often it is read, a second apart."""


async def read_only(settings: Settings, probe: Probe, wire: Overheard) -> list[Row]:
    """Key, clock and version, from two requests that change nothing."""
    try:
        event_types = await probe.event_types()
        newest = await probe.newest()
    except KeyRefused as why:
        return [proof_probe.key_taken(None, str(why)), *_seen_on_the_way(settings, wire)]
    except Unreached as why:
        return [proof_probe.unreached(str(why)), *_seen_on_the_way(settings, wire)]
    version = proof_probe.version(settings.calcom_api_version, newest.rows, newest.flaws)
    return [proof_probe.key_taken(len(event_types), ""), *_seen_on_the_way(settings, wire), version]


def not_asked() -> list[Row]:
    """Of what needs a booking, where none was asked for."""
    return [proof_probe.sees_own(None), proof_probe.metadata_kept(None), proof_probe.birth_told(None)]


async def by_a_booking(settings: Settings, probe: Probe, posts: Sequence[Exchange], clock: Clock) -> list[Row]:
    """Of the booking that the first of these requests made."""
    made = next((one for one in posts if one.answer is not None and one.answer.status in {200, 201}), None)
    if made is None or made.answer is None:
        return [_without(row, "no answer told of a booking to look at") for row in not_asked()]
    booking, flaws = made.booking(), flaws_of_answer(made.answer.body)
    if booking is None:
        version = proof_probe.version(settings.calcom_api_version, 1, flaws or ("unreadable",))
        return [version, *(_without(row, "the booking cannot be read") for row in not_asked())]
    if not is_ours(booking, posts):
        return [_without(row, f"Cal.com answered with {booking.uid}, which is not ours") for row in not_asked()]
    try:
        listed = await _listed(probe, booking.uid, booking.start, clock)
    except Unreached as why:
        goal = proof_probe.sees_own(None).goal
        return [Row("sees_own_bookings", Grade.COULD_NOT_LOOK, str(why), goal)]
    shown = next((one for one in listed.bookings if one.uid == booking.uid), None)
    asked = json.loads(made.request.body)["metadata"]
    booked = Booked(asked, booking, flaws, http_date(made.answer.headers.get("date")), shown)
    return [
        proof_probe.version(settings.calcom_api_version, 1 + listed.rows, (*flaws, *listed.flaws)),
        proof_probe.sees_own(booked),
        proof_probe.metadata_kept(booked),
        proof_probe.birth_told(booked),
    ]


async def _listed(probe: Probe, uid: str, start: datetime, clock: Clock) -> Listed:
    """The list around that start, once the booking is in it, or after some tries without."""
    for _ in range(LISTED_TRIES - 1):
        listed = await probe.beginning_at(start)
        if any(one.uid == uid for one in listed.bookings):
            return listed
        await clock.sleep(1.0)
    return await probe.beginning_at(start)


def _seen_on_the_way(settings: Settings, wire: Overheard) -> list[Row]:
    glances = [
        Glance(http_date(one.answer.headers.get("date")), one.sent_at, one.received_at)
        for one in wire.exchanges
        if one.answer is not None and one.received_at is not None
    ]
    return [proof_probe.clock_skew(glances, owns=settings.guard.owns)] if glances else []


def _without(row: Row, why: str) -> Row:
    return Row(row.check, Grade.COULD_NOT_LOOK, why, row.goal)
