"""A week of the ledger, counted: over the rows of that week, which their time-ordered ids find, or by an index.

Only differences (drifts) have neither: that table is read as a whole, and it holds one row for each difference that
there ever was. A report is made once a week, or when a person asks for it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.sql.overview import born_at
from einmal.adapters.sql.rows import instant_of, instant_or_none, instant_text
from einmal.adapters.sql.steps import Hold, Row, Statement, Steps, Store, only
from einmal.adapters.sql.writes import fact_row
from einmal.domain.facts import RejectionRuled
from einmal.domain.intent import State
from einmal.domain.report import Read
from einmal.domain.tally import Tally
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Day
from einmal.domain.week_figures import Doubt, DoubtEnd, Drifts, Figures, RejectedOn, Ruled, doubt_end

# What was taken over from another program, or moved here, is no wish of a caller that was booked now.
_OWN: Final = "i.imported_from IS NULL AND i.moved_from IS NULL"

_INTENTS: Final = f"""
    SELECT i.tenant_id, i.state, count(*) FROM intents i
    WHERE i.intent_id >= ? AND i.intent_id < ? AND {_OWN} GROUP BY i.tenant_id, i.state"""  # noqa: S608 - constants only

_APPOINTMENTS: Final = f"""
    SELECT a.tenant_id, count(*) FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE a.appointment_id >= ? AND a.appointment_id < ? AND {_OWN} GROUP BY a.tenant_id"""  # noqa: S608 - constants only

# Since when a booking is taken back stands where the doubt's beginning stood: those are counted by themselves. That
# something waited for a person is told by the news of it, which has that name on each channel.
_DOUBTS: Final = f"""
    SELECT i.tenant_id, i.state, i.doubted_at, i.resolved_at,
           EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = i.intent_id || '.escalated')
    FROM intents i
    WHERE i.intent_id >= ? AND i.intent_id < ? AND {_OWN} AND i.state NOT IN ('compensating', 'compensated')
      AND (i.doubted_at IS NOT NULL OR i.state = 'sent' AND i.send_deadline < ?)"""  # noqa: S608 - constants only

_REJECTED: Final = """
    SELECT tenant_id, data ->> 'layer', data ->> 'reason', count(*) FROM facts
    WHERE kind = 'rejected' AND at >= ? AND at < ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""

# The sum keeps the planner from reading all facts backwards until it meets one.
_LAST_RULING: Final = """
    SELECT r.data ->> 'wrong' FROM facts r
    WHERE r.intent_id = {of} AND r.kind = 'rejectionruled' ORDER BY r.fact_id + 0 DESC LIMIT 1"""

_RULED: Final = f"""
    SELECT DISTINCT tenant_id, intent_id, layer, reason, wrong FROM (
        SELECT f.tenant_id AS tenant_id, f.intent_id AS intent_id, f.data ->> 'layer' AS layer,
               f.data ->> 'reason' AS reason,
               ({_LAST_RULING.format(of="f.intent_id")}) AS wrong
        FROM facts f WHERE f.kind = 'rejected' AND f.at >= ? AND f.at < ?) AS refused
    WHERE wrong IS NOT NULL ORDER BY 1, 2, 3, 4"""  # noqa: S608 - constants only

_DRIFTS_SEEN: Final = """
    SELECT tenant_id, kind, count(*), count(ended_at) FROM drifts
    WHERE first_seen_at >= ? AND first_seen_at < ? GROUP BY tenant_id, kind"""
_DRIFTS_OPEN: Final = """
    SELECT tenant_id, kind, count(*) FROM drifts WHERE ended_at IS NULL AND tenant_id > '' GROUP BY tenant_id, kind"""

_CALLBACKS: Final = """
    SELECT tenant_id, count(*) FROM callbacks WHERE callback_id >= ? AND callback_id < ? GROUP BY tenant_id"""
_CALLBACKS_OPEN: Final = """
    SELECT tenant_id, count(*) FROM callbacks WHERE done_at IS NULL AND tenant_id > '' GROUP BY tenant_id"""

_TALLIES: Final = "SELECT what, sum(count), sum(total) FROM tallies WHERE day >= ? AND day <= ? GROUP BY what"

_BEGAN: Final = "SELECT min(created_at) FROM tenants"

_WHOSE_REJECTION: Final = """
    SELECT tenant_id FROM facts WHERE intent_id = ? AND kind = 'rejected' ORDER BY fact_id + 0 LIMIT 1"""
_RULED_LAST: Final = _LAST_RULING.format(of="?")


class SqlReport:
    """The ReportBooks port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, days: Sequence[Day]) -> Read:
        begin, end = days[0].begin, days[-1].end

        def work() -> Steps[Read]:
            made: dict[str, dict[str, Any]] = defaultdict(dict)
            yield from _of_intents(made, begin, end)
            yield from _of_rejections(made, days)
            yield from _of_drifts(made, begin, end)
            for name, statement, values in (
                ("callbacks", _CALLBACKS, (born_at(begin), born_at(end))),
                ("callbacks_open", _CALLBACKS_OPEN, ()),
            ):
                for tenant_id, count in (yield Statement(statement, values)):
                    made[tenant_id][name] = int(count)
            counted = yield Statement(_TALLIES, (days[0].date.isoformat(), days[-1].date.isoformat()))
            tallies = {row[0]: Tally(int(row[1]), float(row[2])) for row in counted}
            return Read({tenant: Figures(**parts) for tenant, parts in made.items()}, tallies)

        return await self._store.snapshot(work)

    async def began(self) -> datetime | None:
        rows = await self._store.read(only(_BEGAN))
        return instant_or_none(rows[0][0])

    async def rule(self, ruling: RejectionRuled) -> bool | None:
        def work() -> Steps[bool | None]:
            # Of two who rule the same at once, one writes.
            yield Hold((f"ruling {ruling.intent_id}",))
            refused = yield Statement(_WHOSE_REJECTION, (ruling.intent_id,))
            if not refused:
                return None
            last = yield Statement(_RULED_LAST, (ruling.intent_id,))
            if last and _is_true(last[0][0]) is ruling.wrong:
                return False
            yield fact_row(refused[0][0], ruling.intent_id, ruling)
            return True

        return await self._store.write(work)


Parts = dict[str, dict[str, Any]]
"""By tenant, what its figures are made of."""


def _of_intents(made: Parts, begin: datetime, end: datetime) -> Steps[None]:
    born = (born_at(begin), born_at(end))
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for tenant_id, state, count in (yield Statement(_INTENTS, born)):
        states[tenant_id][state] = int(count)
    for tenant_id, counts in states.items():
        made[tenant_id]["begun"] = sum(counts.values())
        made[tenant_id]["taken_back"] = counts.get(State.COMPENSATED, 0)
        made[tenant_id]["being_taken_back"] = counts.get(State.COMPENSATING, 0)
    for tenant_id, count in (yield Statement(_APPOINTMENTS, born)):
        made[tenant_id]["appointments"] = int(count)
    doubts: dict[str, list[Doubt]] = defaultdict(list)
    for row in (yield Statement(_DOUBTS, (*born, instant_text(end)))):
        doubts[row[0]].append(_doubt(row))
    for tenant_id, some in doubts.items():
        made[tenant_id]["doubts"] = tuple(some)


def _doubt(row: Row) -> Doubt:
    _, state, doubted_at, resolved_at, escalated = row
    end = doubt_end(State(state), escalated=bool(escalated))
    if end is DoubtEnd.OPEN or doubted_at is None or resolved_at is None:
        return Doubt(end)
    return Doubt(end, max(0.0, (instant_of(resolved_at) - instant_of(doubted_at)) / timedelta(seconds=1)))


def _of_rejections(made: Parts, days: Sequence[Day]) -> Steps[None]:
    rejections: dict[str, list[RejectedOn]] = defaultdict(list)
    for day in days:
        span = (instant_text(day.begin), instant_text(day.end))
        for tenant_id, layer, reason, count in (yield Statement(_REJECTED, span)):
            rejections[tenant_id].append(RejectedOn(day.date, Layer(layer), Reason(reason), int(count)))
    rulings: dict[str, list[Ruled]] = defaultdict(list)
    week = (instant_text(days[0].begin), instant_text(days[-1].end))
    for tenant_id, intent_id, layer, reason, wrong in (yield Statement(_RULED, week)):
        rulings[tenant_id].append(Ruled(intent_id, Layer(layer), Reason(reason), _is_true(wrong)))
    for name, found in (("rejections", rejections), ("rulings", rulings)):
        for tenant_id, some in found.items():
            made[tenant_id][name] = tuple(some)


def _of_drifts(made: Parts, begin: datetime, end: datetime) -> Steps[None]:
    drifts: dict[str, dict[str, Drifts]] = defaultdict(dict)
    for tenant_id, kind, seen, over in (yield Statement(_DRIFTS_SEEN, (instant_text(begin), instant_text(end)))):
        drifts[tenant_id][kind] = Drifts(int(seen), int(over))
    for tenant_id, kind, count in (yield Statement(_DRIFTS_OPEN)):
        drifts[tenant_id][kind] = replace(drifts[tenant_id].get(kind, Drifts()), open=int(count))
    for tenant_id, kinds in drifts.items():
        made[tenant_id]["drifts"] = kinds


def _is_true(told: object) -> bool:
    """What a database makes of a fact's true: 1, or the word."""
    return str(told) in {"1", "true"}
