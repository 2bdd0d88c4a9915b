"""Whose names, phones and addresses a conversation holds: none of them may stand in a log."""

from collections.abc import Iterator
from typing import Final

from einmal.adapters.functions.fields import clean, is_no_name
from support.conversation import Conversation, FunctionCall, Person, Together

NAMES: Final = ("name", "customer_name", "kundenname")
OTHERS: Final = ("telefon", "customer_phone", "phone_number", "email", "customer_email", "grund", "notes")
LETTERS_MIN: Final = 5
"""Less than that stands in a log by chance."""


def private_in(conversation: Conversation) -> list[str]:
    """Everything that was said of a person, each thing once."""
    found = {*conversation.private, *_of_persons(conversation), *_said(conversation), *_lines(conversation)}
    return sorted(text for text in found if len(text) >= LETTERS_MIN)


def _calls(conversation: Conversation) -> Iterator[FunctionCall]:
    for step in conversation.steps:
        if isinstance(step, FunctionCall):
            yield step
        elif isinstance(step, Together):
            yield from step.calls


def _said(conversation: Conversation) -> Iterator[str]:
    for call in _calls(conversation):
        names = [clean(call.args.get(name)) for name in NAMES]
        yield from (name for name in names if name is not None and not is_no_name(name))
        others = [clean(call.args.get(name)) for name in OTHERS]
        yield from (text for text in others if text is not None)


def _lines(conversation: Conversation) -> Iterator[str]:
    for call in _calls(conversation):
        number = None if call.call is None else call.call.number
        if number is not None and number.lstrip("+").isdigit():
            yield number


def _of_persons(conversation: Conversation) -> Iterator[str]:
    for one in (*conversation.before, *conversation.steps):
        if isinstance(one, Person) and one.name is not None:
            yield one.name
