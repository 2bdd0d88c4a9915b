"""A person's copy, and what an erasure has to say: which rows, what is in the way, and who else has a copy."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, assert_never
from zoneinfo import ZoneInfo

from einmal.adapters.sql.personal import COLUMNS, Holds
from einmal.domain.keys import normal_name
from einmal.ports.forgetting import Held, Stands, StandsWhy, Whom

_HOUSE_ITSELF: Final = frozenset({"log"})
"""A channel on which nothing leaves the machine."""

EMPTIED: Final = {table for table, columns in COLUMNS.items() if {Holds.NAMES, Holds.HASH} & set(columns.values())}


def as_copy(tenant_id: str, whom: Whom, held: Held, now: datetime) -> dict[str, Any]:
    """What a person is given who asks what is held of them."""
    return {
        "tenant": tenant_id,
        "asked": {"phone": whom.phone, "email": whom.email, "call": whom.call_id},
        "made_at": now.isoformat(timespec="seconds"),
        "found": not held.is_empty,
        "held": {table: list(rows) for table, rows in held.rows.items() if rows} | _without_others(held),
        "named_in_answers_to_others": held.seen_elsewhere,
        "elsewhere": elsewhere(held),
    }


def _without_others(held: Held) -> dict[str, list[dict[str, Any]]]:
    """Attempts and facts, without whose booking it was where another's came back: that is not this person's to know."""
    own = set(_own_bookings(held))
    attempts = [dict(one) for one in held.rows["attempts"]]
    for one in attempts:
        if one["received"] is not None and one["booking_uid"] not in own:
            one["received"] = one["received"] | {"name": None, "emails": [], "call_id": None}
    facts = [dict(one) for one in held.rows["facts"]]
    for one in facts:
        if one["kind"] == "rejected":
            one["data"] = {name: one["data"].get(name) for name in ("at", "layer", "reason")}
    return {table: rows for table, rows in (("attempts", attempts), ("facts", facts)) if rows}


def _own_bookings(held: Held) -> list[str]:
    """Those that carry an id of their intents, and those that stand as theirs."""
    rows = held.rows
    marks = {one[name] for one in rows["intents"] for name in ("operation_id", "carried_id")} - {None}
    marked = (one["booking_uid"] for one in rows["attempts"] if (one["received"] or {}).get("operation_id") in marks)
    standing = (one["calcom_v2_booking_id"] for one in rows["appointments"])
    return _ids((*(one["booking_uid"] for one in rows["intents"]), *standing, *marked))


def erasure_data(tenant_id: str, whom: Whom, held: Held, *, done: bool) -> dict[str, Any]:
    return {
        "tenant": tenant_id,
        "erased": done,
        "emptied": counts(held, emptied=True),
        "kept": counts(held, emptied=False),
        "named_in_answers_to_others": held.seen_elsewhere,
        "names": names_held(held),
        "other_contacts": other_contacts(whom, held),
        "in_the_way": [{"why": one.why, "id": one.row_id, "at": one.at.isoformat()} for one in held.stands],
        "elsewhere": elsewhere(held),
    }


def counts(held: Held, *, emptied: bool) -> dict[str, int]:
    """Rows by table: those in which somebody is named or can be told, or those that only lead to such."""
    return {table: len(rows) for table, rows in held.rows.items() if rows and (table in EMPTIED) is emptied}


def elsewhere(held: Held) -> list[dict[str, Any]]:
    """Who has a copy that this command does not reach, and by which ids it is found there."""
    if held.is_empty:
        return []
    rows = held.rows
    calls: dict[str, list[str]] = {}
    for one in rows["calls"]:
        calls.setdefault(one["platform"], []).append(one["call_id"])
    sent = _ids(one["channel"] for one in rows["outbox"] if one["sent_at"] is not None)
    imported = _ids(one["imported_from"] for one in rows["intents"])
    told = [
        ("Cal.com", "bookings, with name, e-mail and phone of the attendee", _own_bookings(held)),
        *((platform, "phone calls: recordings, transcripts", sorted(ids)) for platform, ids in sorted(calls.items())),
        *((channel, "news that was sent there", []) for channel in sent if channel not in _HOUSE_ITSELF),
        ("the table they were imported from", "rows", imported),
        ("logs", "ids of calls and bookings, until they are rotated out", []),
        ("backups of the ledger", "all of it, as of their day", []),
    ]
    always = {"logs", "backups of the ledger", *sent}
    return [{"where": where, "what": what, "ids": ids} for where, what, ids in told if ids or where in always]


def _ids(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value})


def other_contacts(whom: Whom, held: Held) -> int:
    """By how many numbers and addresses they are known that were not asked for."""
    rows = held.rows
    found = {one[name] for one in rows["intents"] for name in ("person_phone", "person_email")}
    found |= {one[name] for one in rows["customers"] for name in ("phone", "email")}
    return len(found - {None, whom.phone, whom.email})


def names_held(held: Held) -> int:
    """Under how many names: somebody who was heard differently, or several who share a number."""
    found = [one["person_name"] for table in ("intents", "callbacks") for one in held.rows[table]]
    found += [one["name"] for one in held.rows["customers"]]
    return len({normal_name(name) for name in found if name})


SEVERAL: Final = """This is held under {count} names: one person who was heard differently, or several who
share a number or an address. An export shows all of it, and an erasure takes all of it."""

_BY_THAT_TOO: Final = """They gave another number or address as well, which an export shows. What is held by that alone
is not among these: say it too, with --phone or --email."""


def print_erasure(whom: Whom, held: Held, zone: str, *, done: bool) -> None:
    if held.is_empty:
        print("Nothing is held of this person.")
        return
    if held.stands:
        print("Nothing was erased. First:")
        for one in held.stands:
            print(f"  {_first(one, zone)}")
        return
    print("Erased. Who it was is gone from:" if done else "Who it was would be gone from:")
    _print_counts(counts(held, emptied=True))
    if held.seen_elsewhere:
        print(f"  {held.seen_elsewhere:>5}  answers to other people's wishes, in which they are named")
    if kept := counts(held, emptied=False):
        print("Ids and times stay in:" if done else "Ids and times would stay in:")
        _print_counts(kept)
    waiting = sum(one["done_at"] is None for one in held.rows["callbacks"])
    if waiting:
        print(
            f"\nNobody {'is going to' if done else 'would'} call them back: {waiting} of the call-backs is still open."
        )
    if not done and names_held(held) > 1:
        print(f"\n{SEVERAL.format(count=names_held(held))}")
    if other_contacts(whom, held):
        print(f"\n{_BY_THAT_TOO}")
    _print_elsewhere(elsewhere(held), done=done)
    if not done:
        print("\nNothing was changed. To do it, say it again with --apply.")


def _print_counts(by_table: Mapping[str, int]) -> None:
    for table, count in by_table.items():
        print(f"  {count:>5}  {table}")


def _print_elsewhere(copies: list[dict[str, Any]], *, done: bool) -> None:
    print("\nCopies that this does not reach:" if not done else "\nCopies that are not reached; erase them there:")
    for one in copies:
        print(f"  {one['where']}: {one['what']}")
        for name in one["ids"]:
            print(f"    {name}")


def _first(one: Stands, zone: str) -> str:
    at = f"{one.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    match one.why:
        case StandsWhy.TO_COME:
            return f"cancel the appointment of {at}, or wait until it is over; see: einmal explain {one.row_id}"
        case StandsWhy.UNRESOLVED:
            return f"nobody knows yet whether {at} is booked; see: einmal explain {one.row_id}"
        case StandsWhy.CHANGING:
            return f"a cancel or a move of {at} has no end yet; see: einmal explain {one.row_id}"
        case StandsWhy.NEWS:
            return f"news of {at} still has to be sent; try again in some minutes ({one.row_id})"
        case _ as unreachable:
            assert_never(unreachable)
