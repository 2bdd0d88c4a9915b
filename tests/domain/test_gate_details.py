"""The gate, number by number: what each answer leaves behind, and the moments at which it opens and shuts."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.gate import KEPT_BACK, Gate, GatePolicy, Heard, Passed, Shut, ShutWhy, Use, enter, heard
from support.evidence import NOW

POLICY = GatePolicy()
TICK = timedelta(microseconds=1)
READS = [Use.LOOK, Use.RECOVER, Use.OFFER, Use.BACKGROUND]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("per_minute", "bucket", "refill_per_second"),
    [(120, 40.0, 80 / 60), (12, 4.0, 8 / 60), (3, 1.0, 2 / 60), (2, 1.0, 1 / 60), (1, 1.0, 1 / 60)],
)
def test_the_bucket_is_a_third_and_the_rest_comes_over_the_minute(
    per_minute: int, bucket: float, refill_per_second: float
) -> None:
    """And of one request a minute, one."""
    policy = GatePolicy(per_minute=per_minute)
    assert policy.bucket == pytest.approx(bucket)
    assert policy.refill_per_second == pytest.approx(refill_per_second)


@pytest.mark.parametrize(
    ("gate", "healthy"),
    [
        (Gate(NOW), True),
        (Gate(NOW, tokens=0.0), True),
        (Gate(NOW, probing_until=NOW), True),
        (Gate(NOW, writes_failed=1), False),
        (Gate(NOW, reads_failed=1), False),
        (Gate(NOW, open_until=NOW), False),
        (Gate(NOW, blocked_until=NOW), False),
    ],
)
def test_what_is_remembered_beside_the_budget(gate: Gate, healthy: bool) -> None:
    """Only then does a success have to be written down."""
    assert gate.healthy is healthy


def test_passing_spends_one_and_remembers_when() -> None:
    """The first request finds a full bucket."""
    gate, permit = enter(Gate(NOW - timedelta(days=1)), Use.BOOK, NOW, POLICY)
    assert permit == Passed(probe=False)
    assert gate == Gate(NOW, tokens=39.0)


@pytest.mark.parametrize("use", Use)
def test_a_use_needs_one_beyond_what_it_leaves_to_others(use: Use) -> None:
    """Exactly enough passes, and a hair less does not; the time to come back is when it has flowed in."""
    kept = {Use.BOOK: 0.0, Use.LOOK: 4.0, Use.RECOVER: 8.0, Use.RELAY: 8.0, Use.OFFER: 12.0, Use.BACKGROUND: 20.0}[use]
    assert enter(Gate(NOW, tokens=kept + 1), use, NOW, POLICY)[1] == Passed()
    short = Gate(NOW, tokens=kept + 0.25)
    after, permit = enter(short, use, NOW, POLICY)
    assert permit == Shut(ShutWhy.BUDGET, NOW + timedelta(seconds=0.75 / POLICY.refill_per_second))
    assert after == short, "asking costs nothing"


@pytest.mark.parametrize("per_minute", [1, 2, 3, 4, 5, 6, 60])
@pytest.mark.parametrize("use", Use)
def test_a_full_bucket_is_enough_for_every_use(use: Use, per_minute: int) -> None:
    """However small the budget: what could never pass would never be recovered. Nearly full is not full."""
    policy = GatePolicy(per_minute=per_minute)
    assert enter(Gate(NOW), use, NOW, policy)[1] == Passed()
    nearly = Gate(NOW, tokens=min(policy.bucket, 1 + KEPT_BACK[use] * policy.bucket) - 0.01)
    assert isinstance(enter(nearly, use, NOW, policy)[1], Shut)


@given(st.floats(0, 40), st.floats(0, 600))
def test_the_bucket_fills_with_time_and_never_overflows(tokens: float, seconds: float) -> None:
    """Two thirds of the budget over a minute."""
    gate, permit = enter(Gate(NOW, tokens=tokens), Use.BOOK, at(seconds), POLICY)
    full = min(40.0, tokens + timedelta(seconds=seconds).total_seconds() * POLICY.refill_per_second)
    assert gate.at == at(seconds)
    assert gate.tokens == pytest.approx(full - isinstance(permit, Passed))


@pytest.mark.parametrize(("behind", "goes_on_from"), [(0.5, 0.0), (60.0, 0.0), (60.5, -60.5), (3600.0, -3600.0)])
def test_a_clock_that_is_behind_refills_nothing_and_takes_nothing(behind: float, goes_on_from: float) -> None:
    """Up to a minute it is another process's, and the time stays; beyond, it was set back, and we go on from there."""
    gate, _ = enter(Gate(NOW, tokens=5.0), Use.BOOK, at(-behind), POLICY)
    assert (gate.at, gate.tokens) == (at(goes_on_from), 4.0)


def test_a_clock_that_is_behind_does_not_fill_the_same_span_twice() -> None:
    """Two processes a second apart, asking in turns, get no more than one."""
    gate, passed = Gate(NOW, tokens=0.0), 0
    for turn in range(1, 11):
        for moment in (at(turn / 10), at(turn / 10 - 1)):
            gate, permit = enter(gate, Use.BOOK, moment, POLICY)
            passed += isinstance(permit, Passed)
    assert gate.tokens is not None
    assert gate.tokens + passed == pytest.approx(POLICY.refill_per_second)


@pytest.mark.parametrize(("seconds", "tokens"), [(0.0, 0.0), (3.0, 3.0)])
def test_a_debt_is_forgiven(seconds: float, tokens: float) -> None:
    """A ledger that says less than nothing fills like an empty one."""
    gate, permit = enter(Gate(NOW, tokens=-10.0), Use.BOOK, at(seconds), POLICY)
    assert gate.tokens == pytest.approx(tokens)
    assert isinstance(permit, Passed) is (tokens > 0)


def test_a_smaller_budget_counts_at_once() -> None:
    """What was saved up under a larger one is not spent under it."""
    gate, _ = enter(Gate(NOW, tokens=40.0), Use.BOOK, NOW, GatePolicy(per_minute=12))
    assert gate.tokens == 3.0


@pytest.mark.parametrize("use", Use)
@pytest.mark.parametrize("failures_max", [1, 2, 5])
def test_the_breaker_opens_at_exactly_so_many_failures(use: Use, failures_max: int) -> None:
    """Of writes alone, or of reads alone: they are counted apart."""
    policy = GatePolicy(failures_max=failures_max)
    gate = Gate(NOW)
    for number in range(1, failures_max + 1):
        assert gate.open_until is None
        gate = heard(gate, use, Heard.FAILED, at(number), policy)
        counts = (number, 0) if use is Use.BOOK else (0, number)
        assert (gate.writes_failed, gate.reads_failed) == counts
    assert gate.open_until == at(failures_max) + policy.open_for
    assert gate.probing_until is None


def test_failures_of_writes_and_of_reads_are_not_added_up() -> None:
    """Four of each keep it shut."""
    gate = Gate(NOW)
    for use in [Use.BOOK, Use.LOOK] * 4:
        gate = heard(gate, use, Heard.FAILED, NOW, POLICY)
    assert gate == Gate(NOW, writes_failed=4, reads_failed=4)


def test_while_it_is_open_nothing_passes_and_failures_do_not_prolong_it() -> None:
    """What comes back then was on its way when it opened; it is counted and changes no time."""
    gate = Gate(NOW, tokens=40.0, writes_failed=5, open_until=at(30), probing_until=None)
    for use in Use:
        assert enter(gate, use, at(30) - TICK, POLICY)[1] == Shut(ShutWhy.OPEN, at(30))
    failed = heard(gate, Use.BOOK, Heard.FAILED, at(29), POLICY)
    assert (failed.open_until, failed.writes_failed) == (at(30), 6)
    assert heard(gate, Use.LOOK, Heard.FAILED, at(29), POLICY) == replace(gate, reads_failed=1)
    assert heard(gate, Use.LOOK, Heard.WELL, at(29), POLICY) == gate


@pytest.mark.parametrize("use", READS)
def test_when_it_is_due_one_read_probes_for_five_seconds(use: Use) -> None:
    """Every other waits a quarter of a second at a time; after five seconds another may try."""
    gate = Gate(NOW, tokens=40.0, writes_failed=5, open_until=at(30))
    probing, permit = enter(gate, use, at(30), POLICY)
    assert permit == Passed(probe=True)
    assert probing.probing_until == at(35)
    for other in Use:
        assert enter(probing, other, at(35) - TICK, POLICY)[1] == Shut(
            ShutWhy.HALF_OPEN, at(35) - TICK + timedelta(milliseconds=250)
        )
    assert enter(probing, use, at(35), POLICY)[1] == Passed(probe=True)
    assert enter(probing, Use.BOOK, at(35), POLICY)[1] == Shut(ShutWhy.HALF_OPEN, at(35.25))


@pytest.mark.parametrize("use", READS)
def test_a_probe_that_works_closes_it_and_forgives_one_write(use: Use) -> None:
    """So that one more lost write opens it at once, and one that works starts anew."""
    gate = Gate(NOW, writes_failed=5, reads_failed=3, open_until=at(30), probing_until=at(35))
    assert heard(gate, use, Heard.WELL, at(31), POLICY) == Gate(NOW, writes_failed=4)
    none = replace(gate, writes_failed=0)
    assert heard(none, use, Heard.WELL, at(31), POLICY) == Gate(NOW)


def test_a_probe_that_fails_opens_it_anew_whatever_the_count() -> None:
    """As long as the first time, and the next probe need not wait for this one's five seconds."""
    gate = Gate(NOW, writes_failed=0, reads_failed=0, open_until=at(30), probing_until=at(35))
    assert heard(gate, Use.LOOK, Heard.FAILED, at(31), POLICY) == Gate(NOW, reads_failed=1, open_until=at(61))


def test_a_read_that_works_in_quiet_times_forgives_no_write() -> None:
    """Every lost POST is looked up; if that counted, the breaker would never open."""
    gate = Gate(NOW, writes_failed=3, reads_failed=2, probing_until=at(1))
    assert heard(gate, Use.LOOK, Heard.WELL, NOW, POLICY) == Gate(NOW, writes_failed=3)


def test_a_write_that_works_says_nothing_of_reads_and_closes_nothing() -> None:
    """Only the harmless read that was sent for it closes the breaker."""
    gate = Gate(NOW, writes_failed=3, reads_failed=2, open_until=at(30), probing_until=at(35))
    assert heard(gate, Use.BOOK, Heard.WELL, at(31), POLICY) == replace(gate, writes_failed=0)


@pytest.mark.parametrize("use", Use)
def test_the_calendars_throttle_empties_the_bucket_for_its_minute(use: Use) -> None:
    """Whoever asked, and whatever was known; the failures are not forgotten."""
    gate = Gate(NOW, tokens=30.0, writes_failed=2, reads_failed=1, probing_until=at(3))
    blocked = heard(gate, use, Heard.THROTTLED, at(1), POLICY)
    assert blocked == Gate(at(1), 0.0, 2, 1, None, None, at(61))
    for other in Use:
        assert enter(blocked, other, at(61) - TICK, POLICY)[1] == Shut(ShutWhy.BUDGET, at(61))
    after, permit = enter(blocked, Use.BOOK, at(61), POLICY)
    assert permit == Passed()
    assert after.blocked_until is None


def test_without_a_limit_even_an_empty_bucket_lets_pass() -> None:
    """0 is no limit; the breaker works all the same."""
    policy = GatePolicy(per_minute=0)
    assert enter(Gate(NOW, tokens=-5.0), Use.BACKGROUND, NOW, policy)[1] == Passed()
    assert isinstance(enter(Gate(NOW, open_until=at(9)), Use.BACKGROUND, NOW, policy)[1], Shut)


@pytest.mark.parametrize("later", [timedelta(0), TICK])
def test_an_end_that_is_too_far_away_was_written_by_another_clock(later: timedelta) -> None:
    """As long as it can be at most, it holds; a hair more, and it is not believed."""
    believed = later == timedelta(0)
    opened = Gate(NOW, tokens=40.0, open_until=NOW + POLICY.open_for + later)
    assert isinstance(enter(opened, Use.LOOK, NOW, POLICY)[1], Shut) is believed
    blocked = Gate(NOW, tokens=40.0, blocked_until=NOW + POLICY.blocked_for + later)
    assert isinstance(enter(blocked, Use.LOOK, NOW, POLICY)[1], Shut) is believed
    probing = Gate(NOW, tokens=40.0, open_until=NOW, probing_until=NOW + POLICY.probe_for + later)
    assert isinstance(enter(probing, Use.LOOK, NOW, POLICY)[1], Shut) is believed


def test_a_breaker_is_told_before_a_block_and_a_block_before_the_budget() -> None:
    """What keeps it shut longest is what the log should say."""
    gate = Gate(NOW, tokens=0.0, open_until=at(10), blocked_until=at(50))
    assert enter(gate, Use.BOOK, NOW, POLICY)[1] == Shut(ShutWhy.OPEN, at(10))
    assert enter(replace(gate, open_until=None), Use.BOOK, NOW, POLICY)[1] == Shut(ShutWhy.BUDGET, at(50))
