"""What `einmal verify` booked at a real Cal.com, found again and cancelled, however the run ended.

Each request for a booking was noted before it left. Whatever came of one is known by its operation id, in the booking's
metadata or in the address that was made of it; a booking that carries none of them is never touched.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.calcom.answers import read_answer
from einmal.adapters.calcom.probe import Unreached
from einmal.adapters.system import SystemClock
from einmal.beside import ProbedAccount
from einmal.domain.answer import AnswerKind
from einmal.domain.model import Booking, MetadataKey
from einmal.domain.proof import Grade, Row
from einmal.entrypoints.cli.verify_trial import Exchange
from einmal.ports import Calendar, Seen

ASK_SECONDS: Final = 15.0
LATE_TRIES: Final = 5
"""So often, two seconds apart, a booking is waited for whose answer was lost."""

CANCEL_TRIES: Final = 3
REASON: Final = "Einmal Verify: a test booking, cancelled by the program that made it"
GOAL: Final = "all that was booked is cancelled, and was read as cancelled"


async def tidied(account: ProbedAccount, posts: Sequence[Exchange], start: datetime) -> Row:
    """Cancel whatever came of these requests, and say what of it still stands."""
    if not posts:
        return Row("tidied_up", Grade.PASS, "nothing was sent, so nothing was booked", GOAL)
    found = {one.uid: one for one in map(Exchange.booking, posts) if one is not None and is_ours(one, posts)}
    blind = await _looked_for(account, posts, start, found)
    shared = [uid for uid, one in found.items() if await _is_shared(account.calendar, one, posts)]
    left = [uid for uid in found if uid not in shared and not await _cancelled(account.calendar, uid)]
    left += [f"{uid} (left alone: others are in it too)" for uid in shared]
    left += [f"(unseen, operation id {one.operation})" for one in _lost(posts, found)]
    left += [f"{uid} (left alone: it does not carry our id)" for uid in _of_others(posts)]
    if left or blind is not None:
        unread = "" if blind is None else f"; its list could not be read: {blind}"
        seen = f"NOT cancelled, look in Cal.com at {start:%Y-%m-%d %H:%MZ}: {', '.join(left) or 'unknown'}{unread}"
        return Row("tidied_up", Grade.FAIL, seen, GOAL)
    return Row("tidied_up", Grade.PASS, f"bookings cancelled, and read as cancelled: {len(found)}", GOAL)


def is_ours(booking: Booking, posts: Sequence[Exchange]) -> bool:
    return any(_carries(booking, one.operation) for one in posts)


async def _looked_for(
    account: ProbedAccount, posts: Sequence[Exchange], start: datetime, found: dict[str, Booking]
) -> str | None:
    """Adds what the list shows to `found`; why the list could not be read, if so."""
    blind: str | None = None
    for tries in range(LATE_TRIES):
        if tries:
            await asyncio.sleep(2.0)
        try:
            listed = await account.probe.beginning_at(start)
        except Unreached as unreached:
            blind = str(unreached)
            continue
        blind = None
        found |= {one.uid: one for one in listed.bookings if is_ours(one, posts)}
        if not _lost(posts, found):
            break
    return blind


async def _cancelled(calendar: Calendar, uid: str) -> bool:
    """Ask, and read: only a read shows that it stands no more. Asking again is safe while one shows that it does."""
    clock = SystemClock()
    for tries in range(CANCEL_TRIES):
        if tries:
            await asyncio.sleep(0.5)
        await calendar.cancel(uid, REASON, clock.monotonic() + ASK_SECONDS)
        seen = await calendar.read(uid, clock.monotonic() + ASK_SECONDS)
        if isinstance(seen, Seen) and not any(one.status.live for one in seen.bookings):
            return True
    return False


async def _is_shared(calendar: Calendar, booking: Booking, posts: Sequence[Exchange]) -> bool:
    """Whether others have a seat in it: cancelled, it would be gone for them too. An answer may show our seat alone."""
    seen = await calendar.read(booking.uid, SystemClock().monotonic() + ASK_SECONDS)
    shown = (booking, *seen.bookings) if isinstance(seen, Seen) else (booking,)
    addresses = {address for one in shown for address in one.attendee_emails}
    return any(not any(f"+{one.operation}@" in address for one in posts) for address in addresses)


def _lost(posts: Sequence[Exchange], found: dict[str, Booking]) -> list[Exchange]:
    """Requests whose answer does not say what they made, and of which nobody has seen a booking."""
    unsaid = [one for one in posts if one.answer is None or read_answer(one.answer)[0] is AnswerKind.LOST]
    return [one for one in unsaid if not any(_carries(booking, one.operation) for booking in found.values())]


def _of_others(posts: Sequence[Exchange]) -> list[str]:
    """Bookings that were answered, and carry no id of these requests: somebody else's, or past recognition."""
    answered = [one for one in map(Exchange.booking, posts) if one is not None]
    return [one.uid for one in answered if not is_ours(one, posts)]


def _carries(booking: Booking, operation: str) -> bool:
    in_address = any(f"+{operation}@" in one for one in booking.attendee_emails)
    return booking.metadata.get(MetadataKey.OPERATION_ID.value) == operation or in_address
