"""Fault plans: read from TOML or refused with a reason, and drawn the same from the same seed."""

import pytest

from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Faults, Operation, PlanMistake

CREATE, LIST = frozenset({Operation.CREATE}), frozenset({Operation.LIST})


def test_the_same_seed_draws_the_same() -> None:
    """And another seed draws otherwise; a rule added in front leaves the others' draws alone."""

    def drawn(seed: int, *before: FaultRule) -> list[bool]:
        half = FaultRule(Fault.LOST_ANSWER, CREATE, probability=0.5)
        faults = Faults(FaultPlan((half, *before), seed))
        return [half in faults.next(Operation.CREATE) for _ in range(64)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1) == drawn(1, FaultRule(Fault.SLOW_BODY, probability=0.5))
    assert 16 < sum(drawn(1)) < 48


def test_a_plan_is_read_from_toml() -> None:
    """With one operation, several, or any."""
    plan = FaultPlan.from_toml("""
        seed = 7
        [[rule]]
        fault = "lost_answer"
        operation = ["create", "cancel"]
        nth = [1, 3]
        delay_seconds = 1.5
        [[rule]]
        fault = "slow_body"
        probability = 0.25
        [[rule]]
        operation = "list"
        fault = "replica_lag"
        nth = 2
        lag_seconds = 3
    """)
    assert plan.seed == 7
    lost, slow, lag = plan.rules
    assert (lost.operations, lost.nth) == ({Operation.CREATE, Operation.CANCEL}, {1, 3})
    assert (lost.parameter("delay_seconds"), slow.parameter("body_delay_seconds")) == (1.5, 5.0)
    assert (slow.probability, slow.operations) == (0.25, frozenset(Operation))
    assert (lag.nth, lag.operations, lag.parameter("lag_seconds")) == ({2}, LIST, 3.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = ", "not TOML"),
        ("seeds = 1", "unknown at the top: seeds; known are seed and [[rule]]"),
        ("seed = 1.5", "seed is 1.5; it is a whole number"),
        ("rule = 1", "write [[rule]] above each"),
        ("[[rule]]", "rule 1: it has no fault; there are: lost_request, lost_answer"),
        ('[[rule]]\nfault = "lost"', "rule 1: there is no fault 'lost'; there are: lost_request"),
        ('[[rule]]\nfault = "throttled"\noperation = "read"', "there is no operation 'read'; there are: create, list"),
        ('[[rule]]\nfault = "throttled"\noperation = []', "throttled cannot befall"),
        ('[[rule]]\nfault = "conflict_409"\noperation = "list"', "conflict_409 cannot befall list, only create"),
        ('[[rule]]\nfault = "concurrent_change"\noperation = "create"', "cannot befall create, only cancel, resch"),
        ('[[rule]]\nfault = "lost_webhook"\noperation = "create"', "lost_webhook cannot befall create, only webhook"),
        ('[[rule]]\nfault = "lost_answer"\noperation = "webhook"', "lost_answer cannot befall webhook, only create"),
        ('[[rule]]\nfault = "doubled_webhook"\ndelay_seconds = 1', "doubled_webhook has no parameter 'delay_seconds'"),
        ('[[rule]]\nfault = "late_webhook"\ndelay_seconds = -1', "delay_seconds is -1.0; it cannot be negative"),
        ('[[rule]]\nfault = "throttled"\nprobability = 2', "probability is 2.0; it goes from 0 to 1"),
        ('[[rule]]\nfault = "throttled"\nprobability = "x"', "probability is 'x'; it is a number"),
        ('[[rule]]\nfault = "throttled"\nprobability = 1\nnth = 1', "both probability and nth"),
        ('[[rule]]\nfault = "throttled"\nnth = 0', "nth counts from 1"),
        ('[[rule]]\nfault = "throttled"\nnth = [true]', "nth is [True]; it is a whole number or a list"),
        ('[[rule]]\nfault = "throttled"\nlag_seconds = 1', "throttled has no parameter 'lag_seconds'; it has: reset"),
        ('[[rule]]\nfault = "conflict_409"\nstatus = 1', "it has: none"),
        ('[[rule]]\nfault = "throttled"\nreset_seconds = 1.5', "reset_seconds is 1.5; it is a whole number"),
        ('[[rule]]\nfault = "slow_body"\nbody_delay_seconds = -1', "it cannot be negative"),
        ('[[rule]]\nfault = "slow_body"\nbody_delay_seconds = nan', "it is a number"),
        (f'[[rule]]\nfault = "slow_body"\nbody_delay_seconds = 1{"0" * 400}', "it is at most 86400"),
        ('[[rule]]\nfault = "throttled"\nreset_seconds = 86401', "it is at most 86400"),
        ('[[rule]]\nfault = "skewed_date"\nskew_seconds = -1e300', "it is at most 86400"),
        ('[[rule]]\nfault = "error_after_commit"\nstatus = 400', "status is 400; it is 500 to 599"),
        ('[[rule]]\nfault = "error_after_commit"\nstatus = 0', "status is 0; it is 500 to 599"),
        ('[[rule]]\nfault = "late_commit"\nstatus = 404', "it is 500 to 599 or 0 for no answer"),
        ('[[rule]]\nfault = "throttled"\n[[rule]]\nfault = 1', "rule 2: there is no fault 1"),
    ],
)
def test_a_mistaken_plan_says_what_is_wrong_and_what_is_allowed(text: str, says: str) -> None:
    """Before anything runs, in words for whoever wrote it."""
    with pytest.raises(PlanMistake) as mistake:
        FaultPlan.from_toml(text)
    assert says in str(mistake.value)


def test_a_plan_for_a_server_has_no_refused_connections() -> None:
    """Whoever reads it for a transport in the process says so; otherwise the mistake names the way out."""
    text = '[[rule]]\nfault = "lost_answer"\n[[rule]]\nfault = "refused_connection"'
    with pytest.raises(PlanMistake, match="rule 2: refused_connection works in process only"):
        FaultPlan.from_toml(text)
    assert len(FaultPlan.from_toml(text, in_process=True).rules) == 2
