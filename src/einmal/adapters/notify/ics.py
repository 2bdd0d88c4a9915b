"""An appointment as a file for the customer's own calendar, by RFC 5545."""

from datetime import UTC, datetime
from typing import Final

from einmal.adapters.notify.plain import plain

LINE_BYTES_MAX: Final = 75


def published(uid: str, start: datetime, end: datetime, summary: str, organizer: str, now: datetime) -> str:
    """Told once, and asks for no answer. The same `uid` in a calendar is the same appointment."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Einmal//Einmal//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"DTSTAMP:{_instant(now)}",
        f"DTSTART:{_instant(start)}",
        f"DTEND:{_instant(end)}",
        f"SUMMARY:{_text(summary)}",
        f"ORGANIZER:mailto:{plain(organizer)}",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _text(value: str) -> str:
    escaped = plain(value).replace("\\", "\\\\")
    return escaped.replace(";", "\\;").replace(",", "\\,")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _folded(line: str) -> str:
    """No line is longer than 75 bytes, and no letter is cut: what follows begins with a blank."""
    lines, size = [""], 0
    for letter in line:
        width = len(letter.encode())
        if size + width > LINE_BYTES_MAX:
            lines.append(" ")
            size = 1
        lines[-1] += letter
        size += width
    return "\r\n".join(lines)
