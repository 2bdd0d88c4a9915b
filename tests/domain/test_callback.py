"""Call-backs: what is added to one that is open already."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.callback import NOTE_MAX, Callback
from einmal.domain.promise import message_id
from support.evidence import CALL, NOW


def callback(**parts: Any) -> Callback:
    told = {"name": "Jürgen Groß", "phone": "+491701234567", "note": None, "wanted": None}
    return Callback(**{"callback_id": "01callback", "tenant_id": "default", "conversation_id": CALL} | told | parts)


@pytest.fixture
def first() -> Callback:
    return callback(created_at=NOW, note="Termin verschieben", wanted="morgen")


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ({}, {}),
        ({"note": "Termin verschieben"}, {}),
        ({"note": "verschieben"}, {}),
        ({"note": "lieber Anna"}, {"note": "Termin verschieben; lieber Anna"}),
        ({"wanted": "nach 17 Uhr"}, {"wanted": "morgen; nach 17 Uhr"}),
        ({"name": "Anna Weiß"}, {"name": "Anna Weiß"}),
        ({"name": None}, {}),
        ({"callback_id": "02callback"}, {}),
    ],
)
def test_what_is_said_anew_is_added_and_nothing_is_lost(
    first: Callback, said: dict[str, Any], stands: dict[str, Any]
) -> None:
    """A repeat changes nothing; more to say is said behind what was; a corrected name is the name."""
    more = callback(created_at=NOW + timedelta(minutes=1), **said)
    assert first.with_more(more) == replace(first, **stands)


def test_who_said_nothing_at_first_may_say_it_later() -> None:
    """A call-back of a number alone gets its name, its note and its time."""
    bare = callback(created_at=NOW, name=None)
    told = callback(created_at=NOW, name="Anna Weiß", note="Dauerwelle", wanted="abends")
    assert bare.with_more(told) == told


WORDS = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=200)


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_note_does_not_grow_without_end(notes: list[str]) -> None:
    """However often somebody asks, the first is there and all together is bounded."""
    stands = callback(created_at=NOW, note=notes[0])
    for note in notes[1:]:
        stands = stands.with_more(callback(created_at=NOW, note=note))
    assert stands.note is not None
    assert stands.note.startswith(notes[0])
    assert len(stands.note) <= NOTE_MAX


def test_its_instants_are_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    made = callback(created_at=NOW.astimezone(berlin), done_at=NOW.astimezone(berlin))
    assert (made.created_at.tzinfo, made.done_at) == (NOW.tzinfo, NOW)
    with pytest.raises(ValueError, match="naive"):
        callback(created_at=datetime(2026, 11, 23, 9, 0))  # noqa: DTZ001 - that is the point


def test_text_without_nul_is_what_every_database_can_hold() -> None:
    made = callback(created_at=NOW, name="Jür\0gen", note="\0", wanted="morgen\0")
    assert (made.name, made.note, made.wanted) == ("Jürgen", None, "morgen")


def test_its_message_has_one_name(first: Callback) -> None:
    """Whatever is added: a receiver that has seen the id has seen the call-back."""
    added = first.with_more(callback(created_at=NOW, note="lieber Anna"))
    assert message_id(first) == message_id(added) == "01callback.requested"
