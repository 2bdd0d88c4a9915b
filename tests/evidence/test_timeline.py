"""A story becomes a timeline: what happened, in order, in words that every language has."""

import string
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from einmal.adapters.functions.names import Does
from einmal.domain.answer import AnswerKind
from einmal.domain.change import ChangeKind, ChangeState
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind
from einmal.domain.reply import Outcome
from einmal.domain.verdict import Reason
from einmal.entrypoints.evidence.masking import names_in, without
from einmal.entrypoints.evidence.moment import Kind, Moment, Told, ordered
from einmal.entrypoints.evidence.of_attempt import reason
from einmal.entrypoints.evidence.possible import Can, possible
from einmal.entrypoints.evidence.spoken import ALL, LANGUAGES, Teller
from einmal.entrypoints.evidence.timeline import timeline_of_call, timeline_of_intent
from support import stories
from support.evidence import NOW
from support.world import World, world

TELLERS = [Teller(language, ZoneInfo("Europe/Berlin")) for language in LANGUAGES]


async def kinds(here: World, call_id: str) -> list[str]:
    """The keys of what is told of a call, each checked to be a sentence in both languages."""
    [story] = await here.gateway.stories.of_call(call_id)
    moments = timeline_of_call(story)
    for moment in moments:
        for teller in TELLERS:
            assert "{" not in teller.sentence(moment.told)
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    return [moment.told.key.removeprefix("told_") for moment in moments]


async def test_a_plain_booking(salon: World) -> None:
    """Asked, written down, sent, answered, judged, booked, said: in this order, though all at one instant."""
    await salon.call()
    await stories.told(salon)
    told = await kinds(salon, "call_7d4d0c")
    said = ["call_seen", "asked", "admitted", "sent", "answer_booking", "verdict_ours", "end_booked", "heard"]
    assert sorted(told[:2]) == ["asked", "call_seen"]
    assert told[2:] == said[2:]


async def test_no_agent_is_named_where_none_asked(salon: World) -> None:
    """The booking form and other programs come through doors of their own."""
    await salon.call()
    await stories.told(salon)
    [story] = await salon.gateway.stories.of_call("call_7d4d0c")
    for adapter, key in {"retell": "asked", "form": "asked_form", "rest": "asked_program"}.items():
        functions = tuple(replace(one, adapter=adapter) for one in story.functions)
        moments = timeline_of_call(replace(story, functions=functions))
        assert [one.told.key for one in moments if one.kind is Kind.ASKED] == [f"told_{key}"]


def test_a_name_of_short_words_is_masked_as_a_whole() -> None:
    assert without("Bo ist da, Li Bo kommt.", ["Li Bo"]) == "Bo ist da, L••• B••• kommt."
    assert without("Es ist so.", ["So", " "]) == "Es ist so."


def test_a_bare_status_is_named_as_one() -> None:
    assert [teller.term("why", "http_502") for teller in TELLERS] == ["HTTP 502"] * 2


async def test_a_promise_that_nobody_heard_is_not_told(salon: World) -> None:
    """Where no message can be sent the caller is promised none, and so does not hear of one on the page either."""
    await stories.lost_then_found(salon)
    [story] = await salon.gateway.stories.of_call("call_lost")
    [promised] = [one for one in timeline_of_call(story) if one.told.key == "told_promised"]
    german, english = (teller.sentence(promised.told) for teller in TELLERS)
    assert "dem anrufer" not in german.lower()
    assert "the caller" not in english.lower()


async def test_the_incident(salon: World) -> None:
    await stories.incident(salon)
    second = await kinds(salon, stories.SECOND)
    assert second[2:] == [
        *("admitted", "sent", "answer_booking", "reason_stale_booking"),
        *("doubt_not_ours", "look_absent", "end_taken_offers", "heard", "hung_up"),
    ]
    [story] = await salon.gateway.stories.of_call(stories.SECOND)
    [evidence] = [moment.evidence for moment in timeline_of_call(story) if moment.evidence is not None]
    assert evidence.whose is not None
    assert evidence.whose.call_id == stories.FIRST
    assert evidence.age is not None
    assert timedelta(minutes=35) < evidence.age < timedelta(minutes=36)
    assert (await kinds(salon, stories.FIRST))[-3:] == ["end_booked", "heard", "hung_up"]


async def test_a_lost_answer_that_is_found(salon: World) -> None:
    await stories.lost_then_found(salon)
    salon.clock.pass_time(timedelta(minutes=5))
    await stories.mended(salon)
    await stories.told(salon)
    told = await kinds(salon, "call_lost")
    assert told.count("look_blind") == 4
    ends = ["look_found", "end_booked_found", "message", "message_logged"]
    assert [one for one in told if one in {"doubt_why", "promised", "heard", *ends}] == [
        *("doubt_why", "promised", "heard"),
        *ends,
    ]


async def test_moved_and_cancelled_in_one_call(salon: World) -> None:
    await stories.moved_then_cancelled(salon)
    told = await kinds(salon, "call_7d4d0c")
    steps = ("change_move", "end_moved_here", "change_move_done", "change_cancel", "change_cancel_done")
    assert [one for one in told if one in steps] == list(steps)


async def test_ruled_by_a_person(salon: World) -> None:
    intent_id = await stories.escalated(salon)
    assert "escalated" in await kinds(salon, "call_odd")
    await salon.gateway.rulings.booked(intent_id, salon.calendar.bookings[0].uid)
    assert "end_ruled_booked" in await kinds(salon, "call_odd")


async def test_a_call_that_only_asked_and_wants_to_be_called(salon: World) -> None:
    await stories.wants_a_call_back(salon)
    told = await kinds(salon, "call_back")
    assert told == ["call_inbound", "heard", "asked", "callback", "heard", "hung_up"]
    [story] = await salon.gateway.stories.of_call("call_back")
    await salon.gateway.tenancies.sole.calling_back.callbacks.done(story.callbacks[0].callback_id, salon.clock.now())
    assert "callback_done" in await kinds(salon, "call_back")


async def test_compensated_after_a_no(tmp_path: Path) -> None:
    """A booking of ours arrives after its "no" and is taken back: both are told."""
    async with world(tmp_path) as here:
        await stories.lost_then_found(here)
        [(intent_id,)] = here.rows("SELECT intent_id FROM intents")
        story = await here.gateway.stories.of_intent(intent_id)
    assert story is not None
    told = [
        replace(story.facts[0], kind="alarm", data={"what": what})
        for what in ("booking_after_no", "booking_taken_back")
    ]
    moments = timeline_of_intent(replace(story, facts=tuple(told)))
    assert [one.told.key for one in moments if one.kind is Kind.ALARM] == ["told_surfaced", "told_taken_back"]


def test_of_one_instant_an_answer_follows_its_question() -> None:
    moments = [Moment(NOW, kind, Told("told_doubt")) for kind in (Kind.HEARD, Kind.ANSWER, Kind.SENT)]
    earlier = Moment(NOW - timedelta(seconds=1), Kind.HUNG_UP, Told("told_doubt"))
    assert [one.kind for one in ordered([*moments, earlier])] == [Kind.HUNG_UP, Kind.SENT, Kind.ANSWER, Kind.HEARD]


def test_every_closed_word_has_a_name() -> None:
    """A new state, outcome or reason without words is found here, not on the page."""
    families = {
        "state": [one.value for one in State],
        "outcome": [one.value for one in Outcome],
        "function": [one.name.lower() for one in Does],
        "message": [one.value for one in MessageKind],
        "told_answer": [one.value for one in AnswerKind],
    }
    missing = {f"{family}_{word}" for family, words in families.items() for word in words} - set(ALL)
    ended = {ChangeState.DONE, ChangeState.REFUSED}
    missing |= {f"told_change_{kind}_{state}" for kind in ChangeKind for state in ended} - set(ALL)
    assert missing == set()


@pytest.mark.parametrize("why", Reason)
@pytest.mark.parametrize("expected", ["start x", "event type x", "attendee x", "operation id x"])
def test_every_reason_is_a_sentence(why: Reason, expected: str) -> None:
    told = reason({"reason": why.value, "expected": expected}, timedelta(minutes=35))
    assert all(teller.sentence(told) for teller in TELLERS)


def test_both_languages_say_the_same_things() -> None:
    """What stands in a sentence stands in it in both languages."""

    def named(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert [key for key, (german, english) in ALL.items() if named(german) != named(english)] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Frau Weiß, um 10 Uhr.", "Frau W•••, um 10 Uhr."),
        ("ANNA WEISS und Anna", "A••• WEISS und A•••"),
        ("Unter 030 90 18 20 oder +4930901820.", "Unter 030•••20 oder +49•••20."),
        ("An a.weiss@gast.test, am 1. Dezember 2026 um 08:00.", "An a•••@gast.test, am 1. Dezember 2026 um 08:00."),
        ("Annaberg bleibt.", "Annaberg bleibt."),
    ],
)
def test_a_sentence_is_shown_without_whom_it_names(text: str, shown: str) -> None:
    assert without(text, ("Anna Weiß",)) == shown


async def test_the_names_of_a_call_are_those_of_all_who_appear_in_it(salon: World) -> None:
    """The stranger's as well, whose booking came back."""
    await stories.incident(salon)
    [story] = await salon.gateway.stories.of_call(stories.SECOND)
    assert set(names_in(story)) == {"Paul Brandt", "Clara Winter"}


async def test_what_can_be_done_follows_the_state(salon: World) -> None:
    async def can(call_id: str) -> Any:
        [story] = await salon.gateway.stories.of_call(call_id)
        return [possible(one, salon.clock.now()) for one in story.intents]

    await stories.incident(salon)
    assert await can(stories.FIRST) == [(Can.CANCEL,)]
    assert await can(stories.SECOND) == [(Can.RULE_WRONG, Can.RULE_RIGHT)]
    [(intent_id,)] = salon.rows("SELECT intent_id FROM intents WHERE state = 'rejected'")
    await salon.gateway.rejections.rule(intent_id, wrong=True)
    assert await can(stories.SECOND) == [(Can.RULE_RIGHT,)]
    await stories.lost_then_found(salon)
    assert await can("call_lost") == [(Can.LOOK_NOW,)]
    await stories.escalated(salon)
    assert await can("call_odd") == [(Can.RULE_BOOKED, Can.RULE_NOT_BOOKED)]
    salon.clock.pass_time(timedelta(days=30))
    assert await can(stories.FIRST) == [()]
