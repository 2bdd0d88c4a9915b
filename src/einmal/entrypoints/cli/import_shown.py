"""What `einmal import` prints: how many rows became what, and which are left out and why. Nobody's name or number."""

from typing import Any, Final

from einmal.domain.intent import State
from einmal.domain.takeover import LeftWhy
from einmal.flows.take_over import Tally

_MEANS: Final[dict[LeftWhy, str]] = {
    LeftWhy.NO_BOOKING: "no booking uid",
    LeftWhy.BOOKING_TWICE: "booking uid in another row too; `einmal dedupe` mends that, see below",
    LeftWhy.BOOKING_KNOWN: "the ledger has that booking already",
    LeftWhy.ROW_KNOWN: "a row of that name was taken over with another booking, see below",
    LeftWhy.UNKNOWN_SERVICE: "service not in [services]",
    LeftWhy.UNKNOWN_STATUS: "status not in [statuses]",
    LeftWhy.UNREADABLE_TIME: "a time that cannot be read, or that the clock skipped or repeated",
    LeftWhy.NO_NAME: "no customer, or one without a name",
    LeftWhy.SLOT_TWICE: "the same person has that slot under another booking",
    LeftWhy.SKIPPED: "skipped, as the mapping says",
    LeftWhy.REFUSED: "the ledger did not take it; run it again",
}
_STATES: Final = (State.CONFIRMED, State.PENDING, State.CANCELLED)


def print_tally(title: str, source: str, tally: Tally, *, applied: bool) -> None:
    """`source` is what the rows are called after."""
    print(title)
    print(f"Rows: {tally.rows:,}")
    states = ", ".join(f"{tally.taken[state]:,} {state}" for state in _STATES)
    print(f"{'Taken over' if applied else 'Would be taken over'}: {tally.taken.total():,} ({states})")
    print(f"Taken over before: {tally.known:,}")
    if tally.differ:
        print(f"  {tally.differ:>9,}  say another start, service or status now; the ledger keeps what was taken over.")
        print(f"  {'':9}  What Cal.com knows of it, `einmal reconcile` takes up. If the mapping was wrong, take the")
        print(f"  {'':9}  import out first and begin again: docs/importing.md, Going back.")
    print(f"Left out: {tally.left.total():,}")
    for why, many in sorted(tally.left.items(), key=lambda one: -one[1]):
        print(f"  {many:>9,}  {_MEANS[why]}")
        for (of, detail), count in tally.details.most_common():
            if of is why:
                print(f"  {'':9}    {count:,} {detail}")
    if tally.shown:
        print()
    for one in tally.shown:
        print(f"  {one.ref}  {one.why}{f' ({one.detail})' if one.detail else ''}")
    if tally.unwanted > len(tally.shown):
        print(f"  and {tally.unwanted - len(tally.shown):,} more; see --limit")
    _print_advice(source, tally)
    if not applied and tally.taken:
        print("\nNothing was written. With --apply it is.")


def _print_advice(source: str, tally: Tally) -> None:
    """What can be done about those that are left out, where it takes more than the file."""
    if tally.left[LeftWhy.BOOKING_TWICE]:
        print("\n`einmal audit` and `einmal dedupe`, with --url and --table, part rows that share a booking.")
        print("Do that first; then run this again: the row that keeps the booking is taken over.")
    if tally.left[LeftWhy.ROW_KNOWN]:
        print(
            f"\nThe ledger holds other bookings of these rows of {source!r}. Where that was another database, give this"
        )
        print('one a name of its own: name = "..." under [source]. Where a row has got a new booking since, see')
        print("docs/importing.md, Another booking in the same row.")


def plain(title: str, source: str, tally: Tally, *, applied: bool) -> dict[str, Any]:
    return {
        "source": title,
        "name": source,
        "applied": applied,
        "rows": tally.rows,
        "taken_over": {state.value: tally.taken[state] for state in _STATES},
        "taken_over_before": tally.known,
        "differ_from_the_ledger": tally.differ,
        "left_out": {why.value: tally.left[why] for why in LeftWhy if tally.left[why]},
        "details": [
            {"why": why.value, "detail": detail, "rows": count} for (why, detail), count in tally.details.most_common()
        ],
        "listed": [{"row": one.ref, "why": one.why.value, "detail": one.detail} for one in tally.shown],
    }
