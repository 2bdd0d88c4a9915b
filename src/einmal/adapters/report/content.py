"""What the report says, before it is laid out: a title, how it stands, tables, and what to do next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from einmal.adapters.report.words import NOTHING, Write, change, day, number, percent, span, told
from einmal.domain.facts import Timing
from einmal.domain.report import REJECTIONS_A_DAY, Goal, Kpi, Report, Standing, Told
from einmal.domain.tally import timed
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week_figures import DoubtEnd, Drifts

TENANTS_MAX: Final = 100

COMPARED: Final = ("", "this week", "week before", "change")


@dataclass(frozen=True, slots=True)
class Table:
    """Text in its first column, figures in the others. `wrong`: which rows are to be seen at once."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    wrong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    title: str
    standing: str
    fine: bool
    about: str
    tables: tuple[Table, ...]
    next_steps: tuple[str, ...]


def content_of(report: Report) -> Content:
    """An empty week has no tables: it says what to do instead."""
    tables = () if report.this.is_empty else tuple(one for one in _tables(report) if one.rows)
    title = f"Einmal, week {report.week}" + (f", {report.tenant}" if report.tenant else "")
    return Content(title, _standing(report), not report.missed, _about(report), tables, tuple(_next_steps(report)))


def _standing(report: Report) -> str:
    if report.this.is_empty:
        return "Nothing happened this week: no wish, no booking, no function call was counted."
    if not report.missed:
        return "All goals that could be measured are met."
    return "Missed: " + ", ".join(_GOALS[one.goal][0].lower() for one in report.missed) + "."


def _about(report: Report) -> str:
    at = report.at.astimezone(ZoneInfo(report.zone))
    days = f"{report.week.monday.isoformat()} to {report.week.sunday.isoformat()} ({report.zone})"
    running = " The week is not over yet." if report.running else ""
    return f"{days}, as it stood on {at:%Y-%m-%d at %H:%M}.{running}"


def _tables(report: Report) -> Iterable[Table]:
    yield _goals(report)
    yield _bookings(report)
    yield _layers(report)
    yield _doubts(report)
    yield _drift(report)
    yield _times(report)
    if len(report.tenants) > 1:
        yield _tenants(report)


_GOALS: Final[dict[Goal, tuple[str, str, Write]]] = {
    Goal.PREVENTION_RATE: ("Prevention rate", "< 1 %", percent),
    Goal.FALSE_POSITIVES: ("False positives", "0", number),
    Goal.OVERHEAD: ("Guard, per booking", "< 50 ms", span),
    Goal.LOOK_UP: ("Ledger look-up", "< 10 ms", span),
    Goal.REJECTIONS_A_DAY: ("Rejections in one day", f"<= {REJECTIONS_A_DAY}", number),
}

_MEANING: Final = (
    "Prevention rate: rejections, of appointments and rejections together.",
    "False positives: rejections of this week that a person has ruled wrong.",
    "Guard, per booking: the means of judging, look-up and commit, added up.",
)

_STANDINGS: Final = {
    Standing.MET: "met",
    Standing.MISSED: "MISSED",
    Standing.NOT_MEASURED: "not measured",
}


def _goals(report: Report) -> Table:
    rows = tuple(_goal(one) for one in report.kpis)
    wrong = frozenset(at for at, one in enumerate(report.kpis) if one.standing is Standing.MISSED)
    return Table("Goals", ("", "this week", "week before", "goal", ""), rows, _MEANING, wrong)


def _goal(kpi: Kpi) -> tuple[str, ...]:
    name, goal, write = _GOALS[kpi.goal]
    return name, told(kpi.value, write), told(kpi.before, write), goal, _STANDINGS[kpi.standing]


Row = tuple[str, float | None, float | None, Write]


def _compared(title: str, rows: Iterable[Row], *notes: str) -> Table:
    written = tuple((name, told(a, write), told(b, write), change(a, b, write)) for name, a, b, write in rows)
    return Table(title, COMPARED, written, notes)


def _bookings(report: Report) -> Table:
    this, before = report.this, report.before
    figures, others = this.figures, None if before is None else before.figures
    rows: list[Row] = [
        ("Wishes", this.wishes, None if before is None else before.wishes, number),
        ("  repeats answered from the ledger", this.repeats, None if before is None else before.repeats, number),
        ("  their share", this.repeats_percent, None if before is None else before.repeats_percent, percent),
        ("  begun", figures.begun, None if others is None else others.begun, number),
        ("Appointments booked", figures.appointments, None if others is None else others.appointments, number),
        ("Rejections", figures.rejected, None if others is None else others.rejected, number),
        ("Taken back after a no", figures.taken_back, None if others is None else others.taken_back, number),
        ("  not taken back yet", figures.being_taken_back, None, number),
        ("Call-backs asked for", figures.callbacks, None if others is None else others.callbacks, number),
        ("  open now, of all weeks", figures.callbacks_open, None, number),
    ]
    note = "A repeat is the same wish once more: it waited for its answer, or heard the stored one."
    return _compared("Bookings", rows, note)


_LAYERS: Final[dict[tuple[Layer, Reason], str]] = {
    (Layer.FRESHNESS, Reason.STALE_BOOKING): "1 created before we asked",
    (Layer.IDENTITY, Reason.CALL_ID_MISMATCH): "2 of another call",
    (Layer.IDENTITY, Reason.IDENTITY_MISMATCH): "2 of another wish",
    (Layer.LEDGER, Reason.DATABASE_DUPLICATE): "3 in the ledger already",
    (Layer.CONSTRAINT, Reason.CONSTRAINT_VIOLATION): "4 refused by the database",
}


def _layers(report: Report) -> Table:
    """A layer is worth what it alone refuses: bookings come to one after the other."""
    figures, before = report.this.figures, report.before
    counts, all_of_them, busy = figures.by_layer, figures.rejected, report.days_to_look_into
    rows = []
    for of, name in _LAYERS.items():
        count = counts.get(of, 0)
        share = percent(100 * count / all_of_them) if all_of_them else NOTHING
        was = None if before is None else before.figures.by_layer.get(of, 0)
        rows.append((name, number(count), share, number(figures.ruled(*of, wrong=True)), told(was)))
    notes = [f"{day(one)}: {count:,} rejections, more than {REJECTIONS_A_DAY}." for one, count in busy.items()]
    right = sum(figures.ruled(*of, wrong=False) for of in _LAYERS)
    if right:
        notes.append(f"Ruled right by a person: {right:,}.")
    columns = ("", "this week", "share", "ruled wrong", "week before")
    return Table("Refused, by layer", columns, tuple(rows), tuple(notes))


_DOUBTS: Final = {
    DoubtEnd.BOOKED: "  ended: it is booked",
    DoubtEnd.NOT_BOOKED: "  ended: it is not booked",
    DoubtEnd.BY_PERSON: "  ended by a person",
    DoubtEnd.OPEN: "  open",
}


def _doubts(report: Report) -> Table:
    this, before = report.this.figures, None if report.before is None else report.before.figures
    lasted, others = this.doubt_seconds, None if before is None else before.doubt_seconds
    rows: list[Row] = [
        ("Bookings in doubt", len(this.doubts), None if before is None else len(before.doubts), number),
        *(
            (name, this.doubts_ended(end), None if before is None else before.doubts_ended(end), number)
            for end, name in _DOUBTS.items()
        ),
        ("  median", *_both(lasted, others, 0), span),
        ("  longest", *_both(lasted, others, 1), span),
    ]
    return _compared("Doubts", rows if this.doubts or (before and before.doubts) else [])


def _both(
    this: tuple[float, float] | None, before: tuple[float, float] | None, place: int
) -> tuple[float | None, float | None]:
    return None if this is None else this[place], None if before is None else before[place]


def _drift(report: Report) -> Table:
    this = report.this.figures.drifts
    before = {} if report.before is None else report.before.figures.drifts
    rows = tuple(
        (kind, number(one.seen), number(one.over), number(one.open), number(before.get(kind, Drifts()).seen))
        for kind, one in sorted(this.items())
    )
    note = "Seen first this week; of those, mended or gone since; open now, of all weeks."
    return Table("Ledger and calendar differ", ("", "seen", "over", "open", "week before"), rows, (note,))


def _times(report: Report) -> Table:
    this, before = report.this, report.before
    if this.tallies is None:
        note = "Times and repeats are counted for all tenants together: see the report without --tenant."
        return Table("Times", COMPARED, (("All of them", NOTHING, NOTHING, NOTHING),), (note,))
    rows: list[Row] = [
        ("Judging an answer", _mean(this, Timing.JUDGE), _mean(before, Timing.JUDGE), span),
        ("Ledger look-up", _mean(this, Timing.LEDGER), _mean(before, Timing.LEDGER), span),
        ("  of 10 ms or more", this.slow_look_ups, None if before is None else before.slow_look_ups, number),
        ("Commit with layer 4", _mean(this, Timing.COMMIT), _mean(before, Timing.COMMIT), span),
        ("Function calls", this.served.count, None if before is None else before.served.count, number),
        ("  mean", this.served.mean, None if before is None else before.served.mean, span),
        ("  with an error", this.served_in_vain, None if before is None else before.served_in_vain, number),
        ("Calendar requests", this.asked.count, None if before is None else before.asked.count, number),
        ("  mean", this.asked.mean, None if before is None else before.asked.mean, span),
        ("  failed", this.asked_in_vain, None if before is None else before.asked_in_vain, number),
    ]
    return _compared("Times", rows, "What is counted here is counted by day in UTC. All times are means.")


def _mean(of: Told | None, timing: Timing) -> float | None:
    tally = None if of is None else of.tally(timed(timing))
    return None if tally is None else tally.mean


def _tenants(report: Report) -> Table:
    rows = tuple(
        (name, number(one.appointments), number(one.rejected), number(len(one.doubts)))
        for name, one in list(report.tenants.items())[:TENANTS_MAX]
    )
    more = len(report.tenants) - len(rows)
    notes = (f"And {more:,} more: --json has them all.",) if more > 0 else ()
    return Table("By tenant", ("", "appointments", "rejections", "doubts"), rows, notes)


def _next_steps(report: Report) -> Iterable[str]:
    if report.this.is_empty:
        whose = f" for {report.tenant}" if report.tenant else ""
        yield f"If calls were expected{whose}: does the voice agent reach the gateway? See `einmal config check`."
        yield "Another week: einmal report --week 2026-W47, or --week this."
        return
    missed = {one.goal for one in report.missed}
    if missed & {Goal.PREVENTION_RATE, Goal.REJECTIONS_A_DAY}:
        yield "Many rejections: the log's channel guard has each with its evidence; `einmal intents show ID` shows one."
    if Goal.FALSE_POSITIVES in missed:
        yield "A rejection was ruled wrong: find out what its layer compared, before others are refused likewise."
    if missed & {Goal.OVERHEAD, Goal.LOOK_UP}:
        yield "The ledger is slow: look at its machine, its disk and its connections."
    if report.this.figures.rejected:
        yield "Was a rejection right? Say so: einmal intents rule ID --rejection-right, or --rejection-wrong."
    if report.this.figures.doubts_ended(DoubtEnd.OPEN):
        yield "Doubts are open: einmal intents list."
    if any(one.open for one in report.this.figures.drifts.values()):
        yield "Ledger and calendar differ: einmal reconcile --dry-run."
    if report.this.figures.callbacks_open:
        yield "People wait to be called back: einmal callbacks list."
