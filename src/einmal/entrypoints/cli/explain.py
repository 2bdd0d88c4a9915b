"""`einmal explain ID`: the evidence page in the terminal. Personal data is masked unless it is asked for, and that it
was asked for is written into the audit log, as on the page."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from einmal.adapters.sql.ledger import SqlLedger
from einmal.beside import open_ledger
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.entrypoints.evidence.masking import names_in, names_of, without
from einmal.entrypoints.evidence.moment import Evidence, Moment, Tone
from einmal.entrypoints.evidence.possible import Can, possible
from einmal.entrypoints.evidence.spoken import Teller
from einmal.entrypoints.evidence.timeline import timeline_of_call, timeline_of_intent
from einmal.entrypoints.web.shown import clock_time, day, iso
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.stories import CallStory, IntentStory
from einmal.settings import Settings

USAGE: Final = 2
COULD_NOT_LOOK: Final = 4

_SIGNS: Final = {
    Tone.PLAIN: ("·", "dim"),
    Tone.GOOD: ("✓", "green"),
    Tone.WARN: ("?", "yellow"),
    Tone.BAD: ("✕", "bold red"),
}

_COMMANDS: Final = {
    Can.RULE_BOOKED: "einmal intents rule {id} --booked UID",
    Can.RULE_NOT_BOOKED: "einmal intents rule {id} --not-booked",
    Can.RULE_WRONG: "einmal intents rule {id} --rejection-wrong",
    Can.RULE_RIGHT: "einmal intents rule {id} --rejection-right",
}
"""The rest is done on the page."""


@dataclass(frozen=True, slots=True)
class Asked:
    id: str
    language: str
    reveal: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One story to tell, and whose."""

    title: str
    tenant_id: str
    moments: tuple[Moment, ...]
    names: tuple[str, ...]
    intents: tuple[IntentStory, ...]
    callbacks: tuple[str, ...] = ()


def explain(settings: Settings, asked: Asked) -> int:
    """Exit code 2 where the ledger knows no such id, 4 where it could not be read."""
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    try:
        ledger = open_ledger(settings)
        try:
            stories = asyncio.run(_read(ledger, asked))
        finally:
            ledger.close()
    except (LedgerUnavailable, CommitUnknown):
        print("einmal: the ledger does not answer", file=sys.stderr)
        return COULD_NOT_LOOK
    if not stories:
        print(
            f"einmal: the ledger knows no call, intent, appointment, operation or booking {asked.id!r}", file=sys.stderr
        )
        return USAGE
    zones = {one.tenant_id: ZoneInfo(one.time_zone) for one in settings.tenants}
    shown = [(one, Teller(asked.language, zones.get(one.tenant_id, ZoneInfo(settings.timezone)))) for one in stories]
    if asked.as_json:
        print(json.dumps([_plain(one, teller, asked) for one, teller in shown], indent=2, ensure_ascii=False))
        return 0
    # Where nobody watches, a program reads it, or a mail: nothing need be cut to a width.
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    for one, teller in shown:
        _print(console, one, teller, reveal=asked.reveal)
    return 0


async def _read(ledger: SqlLedger, asked: Asked) -> list[Told]:
    calls = await ledger.stories.of_call(asked.id)
    found = [_of_call(story) for story in calls]
    if not found:
        named = await ledger.stories.named(asked.id)
        story = None if named.intent_id is None else await ledger.stories.of_intent(named.intent_id)
        found = [] if story is None else [_of_intent(story)]
    if found and asked.reveal:
        data = {"role": "terminal", "id": asked.id}
        shown = "personal_data_shown"
        await ledger.audit_log.record(shown, f"{shown} in a terminal", data, datetime.now(UTC))
    return found


def _of_call(story: CallStory) -> Told:
    waiting = tuple(one.callback_id for one in story.callbacks if one.done_at is None)
    moments, title = timeline_of_call(story), f"call {story.call_id}"
    return Told(title, story.tenant_id, moments, names_in(story), story.intents, waiting)


def _of_intent(story: IntentStory) -> Told:
    intent = story.stored.intent
    title = f"intent {intent.intent_id}"
    return Told(title, intent.wish.tenant_id, timeline_of_intent(story), names_of(story), (story,))


def _print(console: Console, one: Told, teller: Teller, *, reveal: bool) -> None:
    console.rule(Text(f"{one.title}, tenant {one.tenant_id}"), align="left")
    last = ""
    for moment in one.moments:
        today = day(moment.at, teller.zone)
        if today != last:
            console.print(Text(f"{today}, times in {teller.zone}", style="bold"))
            last = today
        sign, style = _SIGNS[moment.tone]
        line = Table.grid(padding=(0, 1))
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        at = Text(clock_time(moment.at, teller.zone), style="dim")
        line.add_row(at, Text(sign, style=style), Text(teller.sentence(moment.told)))
        if moment.heard:
            line.add_row("", "", Text(f"“{_heard(moment, one, reveal=reveal)}”", style="italic"))
        console.print(line)
        if moment.evidence is not None:
            console.print(Padding(_side_by_side(moment.evidence, teller, reveal=reveal), (0, 0, 0, 15)))
    _print_possible(console, one, teller)


def _side_by_side(evidence: Evidence, teller: Teller, *, reveal: bool) -> Table:
    table = Table(
        "",
        teller.term("field", "asked"),
        teller.term("field", "came"),
        "",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for line in evidence.lines:
        field, asked, came = teller.line(line, revealed=reveal)
        style = "bold red" if line.differs else ""
        # As it came: brackets are no markup here.
        table.add_row(
            field, Text(asked), Text(came, style=style), Text("≠ differs" if line.differs else "", style=style)
        )
    if evidence.whose is not None:
        whose = evidence.whose.call_id or evidence.whose.intent_id
        table.add_row(teller.term("field", "whose"), "", Text(whose), "")
    return table


def _print_possible(console: Console, one: Told, teller: Teller) -> None:
    now = datetime.now(UTC)
    lines = [
        _COMMANDS[can].format(id=story.stored.intent.intent_id)
        for story in one.intents
        for can in possible(story, now)
        if can in _COMMANDS
    ]
    lines += [f"einmal callbacks done {callback_id}" for callback_id in one.callbacks]
    if lines:
        console.print(Text(f"\n{teller.term('field', 'do')}"))
        for line in lines:
            console.print(Text(f"  {line}"))


def _heard(moment: Moment, one: Told, *, reveal: bool) -> str:
    text = moment.heard or ""
    return text if reveal else without(text, one.names)


def _plain(one: Told, teller: Teller, asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.id,
        "tenant": one.tenant_id,
        "masked": not asked.reveal,
        "intents": [
            {"intent": story.stored.intent.intent_id, "state": story.stored.intent.state} for story in one.intents
        ],
        "timeline": [_plain_moment(moment, one, teller, reveal=asked.reveal) for moment in one.moments],
    }


def _plain_moment(moment: Moment, one: Told, teller: Teller, *, reveal: bool) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "at": iso(moment.at),
        "kind": moment.kind.name.lower(),
        "tone": moment.tone,
        "what": teller.sentence(moment.told),
        "intent": moment.intent_id,
    }
    if moment.heard:
        plain["heard"] = _heard(moment, one, reveal=reveal)
    if moment.evidence is not None:
        plain["compared"] = _plain_lines(moment.evidence, teller, reveal=reveal)
        plain["booking"] = moment.evidence.booking_uid
        plain["whose_call"] = None if moment.evidence.whose is None else moment.evidence.whose.call_id
    return plain


def _plain_lines(evidence: Evidence, teller: Teller, *, reveal: bool) -> Sequence[dict[str, Any]]:
    lines = ((line, *teller.line(line, revealed=reveal)[1:]) for line in evidence.lines)
    return [{"field": line.field, "asked": asked, "came": came, "differs": line.differs} for line, asked, came in lines]
