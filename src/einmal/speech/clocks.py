"""What time marks mean: the clock times that they can be read as, or the window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from einmal.domain.reply import Missing
from einmal.speech.marks import At, Either, In, Mark, NoSuchTime, Part, Style, TimeMark, Vague, Within

SMALL_HOURS: Final = range(1, 7)
"""Said of these alone, "3 Uhr" means the afternoon as often as not; "8 Uhr" means what it says."""

NIGHT_ENDS: Final = time(6)
_DAY_ENDS: Final = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Times:
    """The clock times that were meant; `rather` only where the house is closed at all of those.

    `overnight`: those before the morning may be of the next day, "Freitag Nacht um zwei".
    """

    meant: tuple[time, ...] = ()
    rather: tuple[time, ...] = ()
    trouble: Missing | None = None
    window: tuple[time, time] | None = None
    overnight: bool = False


def times_of(marks: Sequence[Mark]) -> Times:
    """The clock times of an utterance's time marks."""
    for place, mark in enumerate(marks):
        if isinstance(mark, Either) and all(map(_times, (marks[:place], marks[place:]))):
            return _either(_times(marks[:place]), marks[place + 1 :])
    return _all_of(_times(marks))


def _times(marks: Sequence[Mark]) -> list[TimeMark]:
    return [mark for mark in marks if isinstance(mark, TimeMark)]


def _either(left: Sequence[TimeMark], right: Sequence[Mark]) -> Times:
    """Both sides of an "or". A part of the day said on one side holds on the other, where that can be."""
    sides = _side(left, right), _side(right, left)
    for side in sides:
        if side.trouble is not None:
            return Times(trouble=side.trouble)
    meant = tuple(sorted({clock for side in sides for clock in side.meant}))
    if len(meant) > 3:
        return Times(trouble=Missing.TIME_WIDE)
    return Times(meant, overnight=any(side.overnight for side in sides))


def _side(marks: Sequence[Mark], others: Sequence[Mark]) -> Times:
    if not any(isinstance(mark, In) for mark in marks):
        parts = [mark for mark in others if isinstance(mark, In)]
        shared = times_of([*parts, *marks])
        if parts and shared.trouble is None:
            return shared
    return times_of(marks)


def _all_of(times: Sequence[TimeMark]) -> Times:
    """Times with no "or" between them, which must agree."""
    named = [mark for mark in times if isinstance(mark, At)]
    parts = [mark for mark in times if isinstance(mark, In)]
    windows = [mark for mark in times if isinstance(mark, Within)]
    if any(isinstance(mark, NoSuchTime) for mark in times):
        return Times(trouble=Missing.TIME_ODD)
    if any(isinstance(mark, Vague) for mark in times) or _is_midnight(named, parts):
        return Times(trouble=Missing.TIME_WIDE)
    allowed = _allowed([mark.part for mark in parts])
    if windows or not named:
        window = None if named or not times else _window(windows, parts, allowed)
        return Times(trouble=Missing.TIME_WIDE if times else Missing.TIME, window=window)
    read = [_read_time(mark, allowed) for mark in named]
    meant = tuple(clock for clock in read[0][0] if all(clock in other[0] for other in read[1:]))
    if not meant:
        return Times(trouble=Missing.TIME_ODD)
    return Times(meant, read[0][1] if len(read) == 1 else (), overnight=any(part.overnight for part in parts))


_Allowed = Callable[[time], bool]
_Window = tuple[time, time]


def _is_midnight(named: Sequence[At], parts: Sequence[In]) -> bool:
    """Twelve at night is midnight, and of which day it is, nobody can tell."""
    return any(part.part is Part.NIGHT for part in parts) and any(
        mark.hour == 12 and mark.minute == 0 and mark.style is Style.CLOCK for mark in named
    )


def _allowed(parts: Sequence[Part]) -> _Allowed | None:
    return (lambda clock: all(part.may_be(clock) for part in parts)) if parts else None


def _read_time(mark: At, allowed: _Allowed | None) -> tuple[tuple[time, ...], tuple[time, ...]]:
    """What the time can mean, and what it would rather mean if the house is closed then."""
    literal, other = time(mark.hour, mark.minute), time((mark.hour + 12) % 24, mark.minute)
    if mark.style is Style.EXACT or mark.hour > 12 or (mark.style is Style.CLOCK and mark.hour == 0):
        both: tuple[time, ...] = (literal,)
    else:
        both = tuple(sorted((literal, other)))
    if allowed is not None:
        return tuple(clock for clock in both if allowed(clock)), ()
    if mark.style is Style.DIAL or (mark.style is Style.CLOCK and mark.hour in SMALL_HOURS):
        return both, ()
    return (literal,), tuple(clock for clock in both if clock > literal)


def _window(windows: Sequence[Within], parts: Sequence[In], allowed: _Allowed | None) -> _Window | None:
    """The one window that is meant; None where its ends mean more than one time."""
    found = [mark.part.window for mark in parts]
    for window in windows:
        named = [at for at in (window.begin, window.end, window.about) if at is not None]
        clocks = [clock for at in named if (clock := _one(at, allowed)) is not None]
        if len(clocks) < len(named):
            return None
        if window.about is not None:
            found.append(_around(clocks[0]))
        else:
            found.append((clocks[0] if window.begin else time(0), clocks[-1] if window.end else _DAY_ENDS))
    begin, end = max(begin for begin, _ in found), min(end for _, end in found)
    return (begin, end) if begin < end else None


def _around(clock: time) -> _Window:
    minutes = clock.hour * 60 + clock.minute
    return _clock(max(0, minutes - 30)), _clock(min(1439, minutes + 30))


def _clock(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def _one(mark: At, allowed: _Allowed | None) -> time | None:
    meant, _ = _read_time(mark, allowed)
    plain, _ = _read_time(mark, None)
    both = [clock for clock in plain if clock in meant] or list(meant)
    return both[0] if len(both) == 1 else None
