"""The closed sets and the decided numbers, written down a second time: what others store, count or rely on."""

import inspect
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import einmal.domain
from einmal.domain import admission, answer, gate, intent, keys, model, promise, reply, settle, verdict

MODULES = [
    import_module(f"einmal.domain.{path.stem}")
    for path in sorted(Path(str(einmal.domain.__file__)).parent.glob("[a-z]*.py"))
]
NOUNS = [
    pytest.param(noun, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
    for name, noun in inspect.getmembers(module, inspect.isclass)
    if is_dataclass(noun) and noun.__module__ == module.__name__
]

WORDS: dict[type[StrEnum], str] = {
    model.PersonKind: "phone email name",
    model.BookingStatus: "accepted pending cancelled rejected",
    model.MetadataKey: "call_id einmal_op",
    keys.IdempotencyStrategy: "call payload",
    intent.State: (
        "intent sent doubt confirmed pending rejected escalated compensating compensated declined cancelled moved lost"
    ),
    intent.Event: (
        "armed shed not_processed landed_accepted landed_pending refused doubted found_accepted found_pending "
        "not_ours_and_absent settled_absent escalated ruled_booked ruled_not_booked surfaced compensated "
        "host_accepted host_declined cancelled moved vanished"
    ),
    answer.Landed: "no maybe yes",
    answer.AnswerKind: "booking conflict refused unauthorised throttled not_sent lost",
    verdict.Layer: "layer1 layer2 layer3 layer4",
    verdict.Reason: "stale_booking call_id_mismatch identity_mismatch database_duplicate constraint_violation",
    verdict.Judgement: "ours_accepted ours_pending ours_ended wrong_time foreign",
    settle.Conclusion: "absent escalate look_again",
    reply.Outcome: (
        "booked requested already_booked available unavailable slot_taken needs_input in_doubt rejected error "
        "cancelled rescheduled reserved released noted"
    ),
    reply.Why: (
        "plain not_offered too_busy unreachable nothing_new choice key_reused unpromised other_in_doubt hung_up "
        "too_many too_fast enough too_late not_found stands unchanged unreadable changing changing_unpromised before "
        "unsure"
    ),
    reply.Missing: (
        "name service date time date_past date_odd date_unclear date_wide time_odd time_unclear time_wide time_skipped "
        "service_unknown email_odd confirmation_odd decision again name_on appointment staff_unknown staff_open phone"
    ),
    gate.Use: "book look recover relay offer background",
    gate.ShutWhy: "budget breaker_open breaker_half_open",
    gate.Heard: "well failed throttled",
    promise.MessageKind: "resolved needs_person taken_back confirmed callback",
}


@pytest.mark.parametrize(("words", "values"), WORDS.items(), ids=[words.__name__ for words in WORDS])
def test_the_words_that_are_stored_and_counted(words: type[StrEnum], values: str) -> None:
    """Rows, metric labels and answers hold these very words: a change of one must be meant."""
    assert [str(word) for word in words] == values.split()


def made(noun: Any) -> Any:
    """An instance with nothing in it."""
    one = object.__new__(noun)
    for field in fields(noun):
        object.__setattr__(one, field.name, None)
    return one


@pytest.mark.parametrize("noun", NOUNS)
def test_no_noun_can_be_changed(noun: Any) -> None:
    """What was decided on is what is written down: nothing of it can be altered in between."""
    one = made(noun)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        setattr(one, next((field.name for field in fields(noun)), "anything"), "altered")


@pytest.mark.parametrize("noun", NOUNS)
def test_nouns_are_equal_by_what_they_hold(noun: Any) -> None:
    """Evidence is compared by content, and can be looked up by it."""
    assert made(noun) == made(noun)
    assert hash(made(noun)) == hash(made(noun))


POLICIES: list[tuple[Any, dict[str, Any]]] = [
    (
        admission.AdmissionPolicy(),
        {"replay_no_for": timedelta(seconds=60), "replay_nameless_for": timedelta(minutes=10), "offered": True}
        | {"day": None, "line_known": False, "too_many": False, "resources": (), "leaving": None, "part": None}
        | {"once": False},
    ),
    (
        gate.GatePolicy(),
        {
            "per_minute": 120,
            "failures_max": 5,
            "open_for": timedelta(seconds=30),
            "probe_for": timedelta(seconds=5),
            "blocked_for": timedelta(seconds=60),
        },
    ),
    (
        settle.SettlePolicy(),
        {
            "window": timedelta(minutes=10),
            "give_up_after": timedelta(hours=24),
            "pauses": (0.5, 0.5, 1.0, 1.0, 10.0, 30.0, 120.0, 300.0, 600.0, 1800.0),
            "looks_in_call": 4,
        },
    ),
    (
        verdict.GuardPolicy(),
        {
            "enabled": True,
            "ownership": True,
            "freshness": True,
            "identity": True,
            "ledger": True,
            "freshness_limit": timedelta(seconds=30),
            "skew_tolerance": timedelta(seconds=5),
        },
    ),
]


@pytest.mark.parametrize(("policy", "decided"), POLICIES, ids=[type(policy).__name__ for policy, _ in POLICIES])
def test_the_numbers_that_were_decided(policy: Any, decided: dict[str, Any]) -> None:
    """Each has its reason beside it; documents, sizing and the simulator count on them."""
    assert {field.name: getattr(policy, field.name) for field in fields(policy)} == decided


def test_the_constants_that_were_decided() -> None:
    """The parts of the bucket that each use leaves to those before it, its size, and what limits ids."""
    assert gate.KEPT_BACK == {
        gate.Use.BOOK: 0.0,
        gate.Use.LOOK: 0.1,
        gate.Use.RECOVER: 0.2,
        gate.Use.RELAY: 0.2,
        gate.Use.OFFER: 0.3,
        gate.Use.BACKGROUND: 0.5,
    }
    assert gate.BURST * 3 == 1
    assert timedelta(milliseconds=250) == gate.HALF_OPEN_PAUSE
    assert gate.CLOCKS_DIFFER == 60.0
    assert keys.OPERATION_ID_BITS == 160
    assert keys.MAX_LOCAL_PART == 64
