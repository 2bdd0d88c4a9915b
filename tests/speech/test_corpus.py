"""Every utterance of corpus.toml is heard as a native speaker means it, or asked about."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.domain.reply import Missing
from einmal.speech.heard import Frame, Heard, hear, hear_start
from einmal.speech.said import Language

CORPUS: Final = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Expected:
    start: datetime | None = None
    missing: tuple[Missing, ...] = ()
    readings: tuple[datetime, ...] = ()
    window: tuple[time, time] | None = field(default=None, compare=False)


def house(name: str) -> Bookable:
    given = CORPUS["houses"][name]
    weekly = tuple(tuple(span(hours) for hours in day.split()) for day in given["weekly"])
    closed = {date.fromisoformat(day): "a holiday" for day in given.get("holidays", ())}
    return Bookable(
        OpeningHours(weekly, holidays=closed.get),
        timedelta(minutes=given["minutes"]),
        timedelta(hours=given.get("notice_hours", 0)),
        timedelta(days=given.get("horizon_days", 365)),
    )


def span(hours: str) -> Span:
    opens, closes = map(int, hours.split("-"))
    return Span(time(opens), time(closes % 24))


def frame(said: dict[str, Any]) -> Frame:
    now, zone_name = CORPUS["moments"][said["moment"]].split()
    zone = ZoneInfo(zone_name)
    bookable = house(said["house"]) if "house" in said else None
    return Frame(instant(now, zone), zone, Language(said.get("language", "de")), bookable)


def instant(text: str, zone: ZoneInfo) -> datetime:
    """A day is its noon, as readings have it. An hour that comes twice, or never, needs its offset."""
    if len(text) == len("2026-12-01"):
        text += "T12:00"
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
        assert at.utcoffset() == at.replace(fold=1).utcoffset(), f"{text}: which of the two?"
    else:
        assert at.astimezone(zone).utcoffset() == at.utcoffset(), f"{text}: not the offset of {zone}"
    return at.astimezone(UTC)


QUESTION: Final = re.compile(
    r"(?P<missing>[a-z_, ]+?)(?: \[(?P<begin>[\d:]+)-(?P<end>[\d:]+)\])?(?:: (?P<readings>.+))?"
)


def expected(text: str, zone: ZoneInfo) -> Expected:
    asked = QUESTION.fullmatch(text)
    if asked is None:
        return Expected(instant(text, zone))
    missing = tuple(Missing(item) for item in asked["missing"].split(", "))
    readings = tuple(instant(one, zone) for one in (asked["readings"] or "").split(" or ") if one)
    window = (time.fromisoformat(asked["begin"]), time.fromisoformat(asked["end"])) if asked["begin"] else None
    return Expected(missing=missing, readings=readings, window=window)


def rows() -> Iterator[Any]:
    for said in CORPUS["said"]:
        for *texts, wanted in said["rows"]:
            name = "-".join(
                [said["moment"], said.get("language", "de"), said.get("house", "no hours"), " | ".join(texts)]
            )
            yield pytest.param(texts, wanted, said, id=name)


def heard_of(texts: list[str], given: Frame) -> Heard:
    if len(texts) == 1:
        return hear(texts[0], given)
    date_text, time_text = (text or None for text in texts)
    return hear_start(date_text, time_text, given)


@pytest.mark.parametrize(("texts", "wanted", "said"), list(rows()))
def test_an_utterance_is_heard_as_it_was_meant(texts: list[str], wanted: str, said: dict[str, Any]) -> None:
    """The corpus was written by hand; a row that fails is a caller who is misunderstood."""
    given = frame(said)
    heard = heard_of(texts, given)
    want = expected(wanted, given.zone)
    assert Expected(heard.start, heard.missing, heard.readings) == want, said["about"]
    if want.window is not None:
        assert heard.window is not None
        assert tuple(end.replace(second=0) for end in heard.window) == want.window
    assert heard.start is None or heard.start > given.now


def test_the_corpus_covers_what_it_should() -> None:
    """Both languages, every question about dates and times, and more rows than anybody would delete by mistake."""
    every = [(said, row) for said in CORPUS["said"] for row in said["rows"]]
    assert len(every) >= 450
    asked = {
        item for _, row in every if not row[-1][0].isdigit() for item in re.findall(r"[a-z_]+", row[-1].split(":")[0])
    }
    assert {item.value for item in Missing if item.field in {"date", "time"}} <= asked
    assert {said.get("language", "de") for said, _ in every} == {"de", "en"}
