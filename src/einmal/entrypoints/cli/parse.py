"""`einmal parse TEXT`: how a date and time are heard, or what would be asked. Exit code 1 where it is a question."""

import json
import re
import sys
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.domain.reply import Outcome, Reply
from einmal.settings import Settings
from einmal.speech.heard import Frame, Heard, hear
from einmal.speech.said import Case, Language, say_day, say_instant
from einmal.speech.sentences import Voice

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


def parse(
    settings: Settings,
    text: str,
    now: str | None,
    zone: str | None,
    language: str | None,
    hours: str | None,
    *,
    as_json: bool,
) -> int:
    """Read `text` as if it were said at `now` in `zone`, and print what was understood."""
    try:
        frame = _frame(settings, now, zone, language, hours)
    except ValueError as wrong:
        print(f"einmal: {wrong}", file=sys.stderr)
        return 2
    heard = hear(text, frame)
    voice = Voice(frame.language, frame.zone)
    question = None
    if heard.missing:
        reply = Reply(Outcome.NEEDS_INPUT, missing=heard.missing, readings=heard.readings)
        question = voice.sentence(reply, frame.now)
    if as_json:
        print(json.dumps(_data(heard, frame, question), ensure_ascii=False, indent=2))
    else:
        for line in _lines(heard, frame, question):
            print(line)
    return 0 if heard.start is not None else 1


def _frame(settings: Settings, now: str | None, zone: str | None, language: str | None, hours: str | None) -> Frame:
    tenant = settings.tenants[0]
    try:
        place = ZoneInfo(zone or tenant.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"--zone: {zone!r} is no time zone such as Europe/Berlin") from None
    moment = datetime.now(UTC) if now is None else _moment(now, place)
    length = timedelta(minutes=30)
    known = _daily(hours) if hours is not None else tenant.house.hours
    bookable = None if known is None else Bookable(known, length)
    return Frame(moment, place, Language(language or tenant.language), bookable)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--now: {text!r} is no moment such as 2026-11-19T08:17") from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _daily(text: str) -> OpeningHours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"--hours: {text!r} is no span such as 09:00-18:00")
    closes = time(0) if found[3] is None else time(int(found[3]), int(found[4]))
    try:
        span = Span(time(int(found[1]), int(found[2])), closes)
    except ValueError as wrong:
        raise ValueError(f"--hours: {wrong}") from None
    return OpeningHours(((span,),) * 7)


def _lines(heard: Heard, frame: Frame, question: str | None) -> list[str]:
    if heard.start is not None:
        said = say_instant(heard.start, frame.zone, frame.language, None, Case.IS)
        return [heard.start.astimezone(frame.zone).isoformat(), f"  {said}"]
    lines = [f"question: {', '.join(heard.missing)}", f"  {question}"]
    lines += [f"  - {one.astimezone(frame.zone).isoformat()}" for one in heard.readings]
    if heard.day is not None:
        lines.append(f"  the day is clear: {heard.day} ({_named(heard.day, frame)})")
    if heard.window is not None:
        lines.append(f"  between {heard.window[0]:%H:%M} and {heard.window[1]:%H:%M}")
    if heard.unread:
        lines.append(f"  not understood: {' '.join(heard.unread)}")
    return lines


def _named(day: date, frame: Frame) -> str:
    return say_day(datetime.combine(day, time(12), frame.zone), frame.zone, frame.language, None, Case.IS)


def _data(heard: Heard, frame: Frame, question: str | None) -> dict[str, Any]:
    def local(at: datetime) -> str:
        return at.astimezone(frame.zone).isoformat()

    return {
        "start": None if heard.start is None else local(heard.start),
        "missing": list(heard.missing),
        "question": question,
        "readings": [local(one) for one in heard.readings],
        "day": None if heard.day is None else heard.day.isoformat(),
        "window": None if heard.window is None else [f"{one:%H:%M}" for one in heard.window],
        "unread": list(heard.unread),
    }
