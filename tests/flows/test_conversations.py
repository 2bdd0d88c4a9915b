"""Whole conversations, as files: what the agent sends in order, with clock and faults, and what must come of it.

Each on SQLite and on a real PostgreSQL, and each with every request once, twice in a row and twice at once: the same
must stand at the end. What holds for all of them besides: every invariant, every answer with something to say, and no
name, phone or address in a log.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.conversation import FOLDER, BadConversation, Conversation, FunctionCall, conversations, of_text, read
from support.conversation_home import KINDS, Place, opened
from support.conversation_plain import PlainClient
from support.conversation_play import Doubling, play

ALL = conversations()
CONTROLS = FOLDER / "controls"


@pytest.fixture(scope="module", params=KINDS)
def home(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One database for all of them, empty again before each."""
    with opened(request.param) as made:
        yield made


@pytest.mark.parametrize("conversation", ALL, ids=lambda one: one.name)
@pytest.mark.parametrize("doubling", Doubling, ids=lambda one: one.value)
def test_it_goes_as_its_file_tells(conversation: Conversation, doubling: Doubling, home: Place) -> None:
    """Whatever is told of it, said in one list where it is not so."""
    played = play(conversation, home, doubling)
    assert played.problems == []


def test_there_are_enough_of_them() -> None:
    """At least forty, most in German, happy and ugly; no title twice."""
    assert len(ALL) >= 40
    assert len({one.title for one in ALL}) == len(ALL)
    assert 0 < sum(one.language == "en" for one in ALL) < len(ALL) / 2


def test_those_that_are_open_can_be_read() -> None:
    """They are played once they go as they should; until then they only stand there."""
    assert {one.name for one in conversations("open")}.isdisjoint(one.name for one in ALL)


def test_control_a_wrong_expectation_is_seen(home: Place) -> None:
    """A file that expects what is not so fails in each way in which it is wrong, and says which."""
    problems = "\n".join(play(read(CONTROLS / "wrong.toml"), home).problems)
    for told in ("status is booked, not slot_taken", "'leider' is not said", "start is", "calendar:", "intents:"):
        assert told in problems


def test_control_a_name_in_the_log_is_seen(home: Place) -> None:
    """What is called private and stands in the log is found there: here a call's id, which may stand there."""
    told = read(CONTROLS / "leak.toml")
    assert [one for one in play(told, home).problems if one.startswith("I15")]


def test_control_a_second_answer_that_differs_is_seen(home: Place) -> None:
    """A file that does not say so of it fails, in a row; at once, where they wait for each other, as well."""
    told = read(FOLDER / "call_back_twice.toml")
    steps = tuple(replace(one, again=None) if isinstance(one, FunctionCall) else one for one in told.steps)
    for doubling in (Doubling.AFTER, Doubling.TOGETHER):
        [problem] = play(replace(told, steps=steps), home, doubling).problems
        assert "the second time it is told otherwise" in problem


def test_control_with_the_guard_off_a_stranger_s_booking_is_taken(home: Place) -> None:
    """The conversation in which the calendar hands out somebody else's booking: booked is said, and it is a lie."""
    told = replace(read(FOLDER / "foreign_booking.toml"), guard=False)
    problems = "\n".join(play(told, home).problems)
    assert "status is booked, not slot_taken" in problems
    assert "I4: took" in problems


def test_control_without_a_guard_there_are_two(home: Place) -> None:
    """The same conversation: our gateway ends with one booking, a plain client with two."""
    told = read(CONTROLS / "unguarded.toml")
    assert play(told, home).problems == []
    assert len(play(told, home, door=PlainClient).standing) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[[steps]]\nsings = 1", "step 1"),
        ('[[steps]]\nfunction = "book_appointment"\nexpect = { staus = "booked" }', "staus"),
        ('[[steps]]\nfunction = "book_appointment"\ncall = "nobody"', "nobody"),
        ('[[steps]]\nweather = [{ fault = "rain" }]', "rain"),
    ],
)
def test_what_cannot_be_played_is_refused(line: str, told: str) -> None:
    """With the step and the word: a misspelt expectation would be one that is never checked."""
    text = f'title = "t"\nshows = "s"\n{line}\n[end]\ncalendar = []\nintents = []\n'
    with pytest.raises((ValueError, KeyError, BadConversation), match=told):
        of_text("bad", text)
