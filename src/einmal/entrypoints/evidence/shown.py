"""How long something took, and personal data behind dots."""

from datetime import timedelta
from typing import Final

MASK: Final = "•••"


def span(value: timedelta | float | None) -> str:
    """How long: 412 ms, 3.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return f"-{span(-seconds)}"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for name, small, size in (("min", "s", 60), ("h", "min", 3600), ("d", "h", 86400)):
        if whole < size * (60 if size == 60 else 24 if size == 3600 else 10**9):
            big, rest = divmod(whole, size)
            rest = rest // {60: 1, 3600: 60, 86400: 3600}[size]
            return f"{big} {name}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def masked_name(name: str | None) -> str:
    """J••• G•••: enough to recognise whom one has in mind, and nobody else."""
    return " ".join(part[0] + MASK for part in (name or "").split()) or "–"


def masked_phone(phone: str | None) -> str:
    """+49•••20"""
    return "–" if not phone else phone[:3] + MASK + phone[-2:]


def masked_email(email: str | None) -> str:
    """t•••@salon.test"""
    if not email:
        return "–"
    local, _, domain = email.partition("@")
    return f"{local[:1]}{MASK}@{domain}"
