"""What `einmal import` prints: how many rows became what, and which are left out and why. Nobody's name or number."""

from typing import Any, Final

from einmal.domain.intent import State
from einmal.domain.takeover import Why
from einmal.flows.take_over import Outcome

_MEANS: Final[dict[Why, str]] = {
    Why.NO_BOOKING: "no booking uid",
    Why.BOOKING_TWICE: "booking uid in another row too; `einmal dedupe` mends that, see below",
    Why.BOOKING_KNOWN: "the ledger has that booking already",
    Why.UNKNOWN_SERVICE: "service not in [services]",
    Why.UNKNOWN_STATUS: "status not in [statuses]",
    Why.UNREADABLE_TIME: "a time that cannot be read, or that the clock skipped or repeated",
    Why.NO_NAME: "no customer, or one without a name",
    Why.SLOT_TWICE: "the same person has that slot under another booking",
    Why.SKIPPED: "skipped, as the mapping says",
    Why.REFUSED: "the ledger did not take it; run it again",
}
_STATES: Final = (State.CONFIRMED, State.PENDING, State.CANCELLED)


def print_outcome(title: str, outcome: Outcome, *, applied: bool) -> None:
    print(title)
    print(f"Rows: {outcome.rows:,}")
    states = ", ".join(f"{outcome.taken[state]:,} {state}" for state in _STATES)
    print(f"{'Taken over' if applied else 'Would be taken over'}: {outcome.taken.total():,} ({states})")
    print(f"Taken over before: {outcome.known:,}")
    print(f"Left out: {outcome.left.total():,}")
    for why, many in sorted(outcome.left.items(), key=lambda one: -one[1]):
        print(f"  {many:>9,}  {_MEANS[why]}")
        for (of, detail), count in outcome.details.most_common():
            if of is why:
                print(f"  {'':9}    {count:,} {detail}")
    if outcome.shown:
        print()
    for one in outcome.shown:
        print(f"  {one.ref}  {one.why}{f' ({one.detail})' if one.detail else ''}")
    if outcome.unwanted > len(outcome.shown):
        print(f"  and {outcome.unwanted - len(outcome.shown):,} more; see --limit")
    if outcome.left[Why.BOOKING_TWICE]:
        print("\n`einmal audit` and `einmal dedupe`, with --url and --table, part rows that share a booking.")
        print("Do that first; then run this again: the row that keeps the booking is taken over.")
    if not applied and outcome.taken:
        print("\nNothing was written. With --apply it is.")


def plain(title: str, outcome: Outcome, *, applied: bool) -> dict[str, Any]:
    return {
        "source": title,
        "applied": applied,
        "rows": outcome.rows,
        "taken_over": {state.value: outcome.taken[state] for state in _STATES},
        "taken_over_before": outcome.known,
        "left_out": {why.value: outcome.left[why] for why in Why if outcome.left[why]},
        "details": [
            {"why": why.value, "detail": detail, "rows": count}
            for (why, detail), count in outcome.details.most_common()
        ],
        "listed": [{"row": one.ref, "why": one.why.value, "detail": one.detail} for one in outcome.shown],
    }
