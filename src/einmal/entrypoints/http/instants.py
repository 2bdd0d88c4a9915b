"""Instants that programs send, as a function call can say them."""

from datetime import datetime
from zoneinfo import ZoneInfo


def as_heard(said: str, zone: ZoneInfo) -> str:
    """An instant of wherever as the house's clock shows it; anything else as it was said."""
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError:
        return said
    return said if at.tzinfo is None else at.astimezone(zone).isoformat()
