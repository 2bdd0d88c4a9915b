"""What a person who presses "new webhook" on the control API asks for."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from einmal.simulator.webhooks import TRIGGERS

_KNOWN = ("url", "secret", "triggers", "event_type_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    url: str
    secret: str | None
    triggers: tuple[str, ...]
    event_type_id: int | None


def read_wanted(body: bytes) -> Wanted:
    """Raises ValueError with what is wrong, and what is allowed."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        # Of the value and not of a type: it was read from somebody's text.
        raise ValueError(  # noqa: TRY004
            'the body is no JSON object such as {"url": "http://127.0.0.1:8080/hook", "secret": "..."}'
        )
    unknown = [name for name in read if name not in _KNOWN]
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(_KNOWN)}")
    url, secret, event_type_id = read.get("url"), read.get("secret"), read.get("event_type_id")
    if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise ValueError("url is no address; it is http://... or https://...")
    if secret is not None and not isinstance(secret, str):
        raise ValueError("secret is a text, or left out for unsigned webhooks")
    triggers = read.get("triggers", list(TRIGGERS))
    if not isinstance(triggers, list) or not triggers or not all(one in TRIGGERS for one in triggers):
        raise ValueError(f"triggers is a list of: {', '.join(TRIGGERS)}; all of them if left out")
    if event_type_id is not None and (isinstance(event_type_id, bool) or not isinstance(event_type_id, int)):
        raise ValueError("event_type_id is a whole number, or left out for every event type")
    return Wanted(url, secret or None, tuple(triggers), event_type_id)
