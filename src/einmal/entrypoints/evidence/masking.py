"""Whoever is named in a story, and how a sentence is shown without it."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from einmal.entrypoints.evidence.shown import masked_email, masked_name, masked_phone
from einmal.ports.stories import CallStory, IntentStory

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE: Final = re.compile(r"(?<!\w)(?:\+|0)\d[\d /()-]{4,}\d")
LETTERS_MIN: Final = 3
"""A shorter word of a name is a word of many sentences."""


def names_in(call: CallStory) -> tuple[str, ...]:
    """All that somebody is called in this call's story."""
    own = (callback.name for callback in call.callbacks if callback.name)
    return (*own, *(name for intent in call.intents for name in names_of(intent)))


def names_of(story: IntentStory) -> tuple[str, ...]:
    seen = (attempt.seen.name for attempt in story.attempts if attempt.seen is not None and attempt.seen.name)
    return tuple(name for name in (story.stored.intent.wish.person.name, *seen) if name)


def without(text: str, names: Sequence[str]) -> str:
    """The sentence with names, numbers and addresses behind dots."""
    text = _EMAIL.sub(_by(masked_email), text)
    text = _PHONE.sub(_by(masked_phone), text)
    for word in sorted(set(_words(names)), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", _by(masked_name), text, flags=re.IGNORECASE)
    return text


def _by(masked: Callable[[str | None], str]) -> "Callable[[re.Match[str]], str]":
    return lambda found: masked(found.group())


def _words(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        parts = name.split()
        if len(parts) > 1:
            yield " ".join(parts)  # whole, however short its words are
        yield from (part for part in parts if len(part) >= LETTERS_MIN)
