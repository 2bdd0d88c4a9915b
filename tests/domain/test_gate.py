"""The gate: a budget that no minute exceeds, uses in their order, and a breaker that one read closes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.gate import Gate, GatePolicy, Heard, Passed, Shut, ShutWhy, Use, enter, heard, spent, without_breaker
from support.evidence import NOW

POLICY = GatePolicy()
SECOND = timedelta(seconds=1)


def failing(times: int, use: Use = Use.BOOK, policy: GatePolicy = POLICY) -> Gate:
    gate = Gate(NOW)
    for _ in range(times):
        gate = heard(gate, use, Heard.FAILED, NOW, policy)
    return gate


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(Use)), max_size=400),
    st.integers(1, 120),
)
def test_no_sixty_seconds_exceed_the_budget(asked: list[tuple[float, Use]], per_minute: int) -> None:
    """Wherever the calendar begins to count its minute."""
    policy, gate, now = GatePolicy(per_minute=per_minute), Gate(NOW), NOW
    passed = []
    for pause, use in asked:
        now += timedelta(seconds=pause)
        gate, permit = enter(gate, use, now, policy)
        if isinstance(permit, Passed):
            passed.append(now)
    for at in passed:
        assert sum(at <= other < at + 60 * SECOND for other in passed) <= per_minute


def test_a_full_bucket_lets_forty_bookings_pass_at_once_and_then_eighty_a_minute() -> None:
    gate, passed = Gate(NOW), 0
    for tenth in range(600):
        gate, permit = enter(gate, Use.BOOK, NOW + tenth * SECOND / 10, POLICY)
        passed += isinstance(permit, Passed)
    assert 118 <= passed <= 120


@pytest.mark.parametrize(
    ("use", "spent_until"),
    [(Use.BACKGROUND, 20), (Use.OFFER, 28), (Use.RELAY, 32), (Use.RECOVER, 32), (Use.LOOK, 36), (Use.BOOK, 40)],
)
def test_each_use_leaves_the_rest_to_those_before_it(use: Use, spent_until: int) -> None:
    """Bookings before look-ups before offers before what runs behind."""
    gate, passed = Gate(NOW), 0
    gate, permit = enter(gate, use, NOW, POLICY)
    while isinstance(permit, Passed):
        passed += 1
        assert passed <= spent_until
        gate, permit = enter(gate, use, NOW, POLICY)
    assert passed == spent_until
    assert permit.why is ShutWhy.BUDGET
    _, permit = enter(gate, use, permit.until + timedelta(milliseconds=1), POLICY)
    assert isinstance(permit, Passed), "and it says when to come back"
    _, permit = enter(gate, Use.BOOK, NOW, POLICY)
    assert isinstance(permit, Passed) is (use is not Use.BOOK)


def test_without_a_limit_everything_passes() -> None:
    gate = Gate(NOW)
    for _ in range(10_000):
        gate, permit = enter(gate, Use.BACKGROUND, NOW, GatePolicy(per_minute=0))
        assert permit == Passed()


def test_five_failures_in_a_row_open_the_breaker_and_four_do_not() -> None:
    assert enter(failing(4), Use.BOOK, NOW, POLICY)[1] == Passed()
    _, permit = enter(failing(5), Use.BOOK, NOW, POLICY)
    assert permit == Shut(ShutWhy.OPEN, NOW + POLICY.open_for)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    gate = heard(failing(4), Use.BOOK, Heard.WELL, NOW, POLICY)
    assert gate.healthy
    assert enter(heard(gate, Use.BOOK, Heard.FAILED, NOW, POLICY), Use.BOOK, NOW, POLICY)[1] == Passed()


def test_reads_that_work_do_not_hide_writes_that_fail() -> None:
    """Every lost POST is looked up; if look-ups reset the count, the breaker would never open."""
    gate = Gate(NOW)
    for _ in range(5):
        gate = heard(gate, Use.BOOK, Heard.FAILED, NOW, POLICY)
        gate = heard(gate, Use.LOOK, Heard.WELL, NOW, POLICY)
    assert isinstance(enter(gate, Use.BOOK, NOW, POLICY)[1], Shut)


def test_one_read_probes_and_a_post_never_does() -> None:
    later = NOW + POLICY.open_for
    gate = failing(5)
    _, permit = enter(gate, Use.BOOK, later, POLICY)
    assert isinstance(permit, Shut)
    assert permit.why is ShutWhy.HALF_OPEN
    gate, permit = enter(gate, Use.LOOK, later, POLICY)
    assert permit == Passed(probe=True)
    _, permit = enter(gate, Use.LOOK, later, POLICY)
    assert isinstance(permit, Shut), "one probe at a time"
    gate = heard(gate, Use.LOOK, Heard.WELL, later, POLICY)
    assert enter(gate, Use.BOOK, later, POLICY)[1] == Passed()


def test_after_a_probe_one_lost_post_opens_it_again() -> None:
    later = NOW + POLICY.open_for
    gate, _ = enter(failing(5), Use.LOOK, later, POLICY)
    gate = heard(gate, Use.LOOK, Heard.WELL, later, POLICY)
    gate = heard(gate, Use.BOOK, Heard.FAILED, later, POLICY)
    assert isinstance(enter(gate, Use.BOOK, later, POLICY)[1], Shut)


def test_a_probe_that_fails_opens_it_for_as_long_again_and_one_that_never_returns_is_replaced() -> None:
    later = NOW + POLICY.open_for
    gate, _ = enter(failing(5), Use.LOOK, later, POLICY)
    assert heard(gate, Use.LOOK, Heard.FAILED, later, POLICY).open_until == later + POLICY.open_for
    _, permit = enter(gate, Use.BACKGROUND, later + POLICY.probe_for, POLICY)
    assert permit == Passed(probe=True)


def test_an_answer_that_was_on_its_way_when_the_breaker_opened_changes_nothing() -> None:
    gate = failing(5)
    assert isinstance(enter(heard(gate, Use.LOOK, Heard.WELL, NOW, POLICY), Use.LOOK, NOW, POLICY)[1], Shut)
    assert heard(gate, Use.BOOK, Heard.FAILED, NOW + SECOND, POLICY).open_until == gate.open_until


def test_the_calendars_own_throttle_shuts_for_its_minute_whatever_the_bucket_says() -> None:
    gate = heard(Gate(NOW), Use.BOOK, Heard.THROTTLED, NOW, POLICY)
    _, permit = enter(gate, Use.BOOK, NOW + 59 * SECOND, POLICY)
    assert permit == Shut(ShutWhy.BUDGET, NOW + 60 * SECOND)
    assert enter(gate, Use.BOOK, NOW + 60 * SECOND, POLICY)[1] == Passed()


@pytest.mark.parametrize("hours", [-24, 24])
@pytest.mark.parametrize("trouble", [Heard.FAILED, Heard.THROTTLED])
def test_a_clock_that_jumps_shuts_nobody_out(hours: int, trouble: Heard) -> None:
    """At worst the gate is shut for as long as it would have been."""
    gate = Gate(NOW)
    for _ in range(5):
        gate = heard(gate, Use.BOOK, trouble, NOW, POLICY)
    then = NOW + timedelta(hours=hours)
    gate, permit = enter(gate, Use.LOOK, then, POLICY)
    if isinstance(permit, Shut):
        then = permit.until
        gate, permit = enter(gate, Use.LOOK, then, POLICY)
    assert isinstance(permit, Passed)
    gate = heard(gate, Use.LOOK, Heard.WELL, then, POLICY)
    assert enter(gate, Use.BOOK, then + 2 * SECOND, POLICY)[1] == Passed()


def test_what_was_sent_without_asking_is_gone_and_comes_back_with_time() -> None:
    """Also more than there was: what was sent is sent, and nobody pays for it twice."""
    gate = spent(Gate(NOW), 1000, NOW, POLICY)
    assert gate.tokens == 0
    assert isinstance(enter(gate, Use.BOOK, NOW, POLICY)[1], Shut)
    assert enter(gate, Use.BOOK, NOW + SECOND, POLICY)[1] == Passed()
    assert spent(gate, 0, NOW + 60 * SECOND, POLICY).tokens == POLICY.bucket


def test_without_the_breaker_only_the_budget_stands_before_the_calendar() -> None:
    assert enter(without_breaker(failing(5)), Use.RELAY, NOW, POLICY)[1] == Passed()
    throttled = heard(failing(5), Use.BOOK, Heard.THROTTLED, NOW, POLICY)
    assert isinstance(enter(without_breaker(throttled), Use.RELAY, NOW, POLICY)[1], Shut)
