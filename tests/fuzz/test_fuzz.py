"""A few seconds of what `make soak LEG=fuzz` does for long: every parser of outside input against odd input."""

from random import Random

import pytest

from fuzz.known import KNOWN
from fuzz.running import Tally, grow, run
from fuzz.target import Target, Violation, holds
from fuzz.targets import TARGETS

EXECUTIONS = 400
GROWTHS = 6


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_nothing_that_comes_from_outside_breaks_its_parser(target: Target) -> None:
    """No exception but the documented one, and what comes out is what may come out; the same inputs every time."""
    tally = Tally()
    run(target, (f"suite:{number}" for number in range(EXECUTIONS)), tally)
    assert not tally.failures, f"{len(tally.failures)} failures, the first: {tally.failures[0]}"
    assert len(tally.outcomes) > 1, "whatever is sent ends alike: nothing was tried"


@pytest.mark.parametrize("target", [t for t in TARGETS.values() if t.pump], ids=lambda target: target.name)
def test_four_times_the_input_is_no_sixteen_times_the_work(target: Target) -> None:
    """Nobody can keep a gateway busy with one long body."""
    tally = Tally()
    for number in range(GROWTHS):
        grow(target, f"suite:{number}", tally)
    assert not tally.failures, str(tally.failures[0])


def test_known_bugs_still_stand() -> None:
    """Once mended, its line must go, so that it is found if it comes back."""
    for bug in KNOWN:
        with pytest.raises(bug.raised, match=bug.says):
            TARGETS[bug.target].check(bug.sample())


def test_a_parser_that_breaks_is_seen() -> None:
    """The control: an exception, a broken promise and work that outgrows its input are all found."""

    def check(text: str) -> str:
        holds("z" not in text, "no z")
        if "y" in text:
            raise KeyError(text)
        return "fine"

    def slow(text: str) -> str:
        # By the cube: sixty-four times the work for four times the text, which no noise hides.
        return str(sum(1 for _ in range(len(text) ** 3 // 1_000_000)))

    letters = Target("letters", lambda rng: rng.choice("abcxyz"), check)
    tally = Tally()
    run(letters, map(str, range(200)), tally)
    kinds = {name for name in (Violation.__name__, KeyError.__name__) if any(name in str(f) for f in tally.failures)}
    assert kinds == {"Violation", "KeyError"}
    first = tally.failures[0]
    same = letters.make(Random(first.seed))  # noqa: S311
    assert repr(same) == first.shown, "the seed makes the same input again"
    tally = Tally()
    grow(Target("slow", lambda _: "", slow, lambda _, size: "ab" * size, 6_000), "1", tally)
    assert len(tally.failures) == 1
