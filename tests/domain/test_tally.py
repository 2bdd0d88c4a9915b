"""What is counted by day: each fact under a word of a closed set, and nothing that rows tell."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.facts import Alarm, CalendarAsked, Fact, NotStarted, Operation, Served, Timed, Timing
from einmal.domain.tally import LOOK_UP_SECONDS, Tally, all_words, tallied
from support.evidence import NOW

FUNCTIONS = frozenset({"collect", "book"})
ANYTHING = st.text(max_size=20)


@pytest.mark.parametrize(
    ("fact", "counted"),
    [
        (NotStarted(NOW, "replay"), {"not_started.replay": Tally(1)}),
        (NotStarted(NOW, "alreadybooked"), {"not_started.alreadybooked": Tally(1)}),
        (NotStarted(NOW, "Jürgen Groß"), {"not_started.other": Tally(1)}),
        (Timed(NOW, Timing.JUDGE, 0.5), {"timed.judge": Tally(1, 0.5)}),
        (Timed(NOW, Timing.COMMIT, 0.5), {"timed.layer4": Tally(1, 0.5)}),
        (Timed(NOW, Timing.LEDGER, 0.004), {"timed.layer3": Tally(1, 0.004)}),
        (
            Timed(NOW, Timing.LEDGER, LOOK_UP_SECONDS),
            {"timed.layer3": Tally(1, 0.01), "slow.layer3": Tally(1, 0.01)},
        ),
        (Served(NOW, "retell", "book", "booked", 0.3, "call"), {"served.book.booked": Tally(1, 0.3)}),
        (Served(NOW, "retell", "odd", "information", 0.3, "call"), {"served.other.information": Tally(1, 0.3)}),
        (Served(NOW, "retell", "book", "odd", 0.3, "call"), {"served.book.other": Tally(1, 0.3)}),
        (CalendarAsked(NOW, Operation.CREATE, "201", 0.2), {"calendar.create.2xx": Tally(1, 0.2)}),
        (CalendarAsked(NOW, Operation.FIND, "429", 0.2), {"calendar.find.429": Tally(1, 0.2)}),
        (CalendarAsked(NOW, Operation.FIND, "none", 0.2), {"calendar.find.none": Tally(1, 0.2)}),
        (CalendarAsked(NOW, Operation.FIND, "999", 0.2), {"calendar.find.other": Tally(1, 0.2)}),
        (Alarm(NOW, "breaker_open", None), {}),
    ],
)
def test_what_each_fact_adds(fact: Fact, counted: Mapping[str, Tally]) -> None:
    assert tallied(fact, FUNCTIONS) == counted


@given(
    st.one_of(
        st.builds(NotStarted, st.just(NOW), ANYTHING),
        st.builds(Timed, st.just(NOW), st.sampled_from(Timing), st.floats(0, 100)),
        st.builds(Served, st.just(NOW), ANYTHING, ANYTHING, ANYTHING, st.floats(0, 100), st.none()),
        st.builds(CalendarAsked, st.just(NOW), st.sampled_from(Operation), ANYTHING, st.floats(0, 100)),
    )
)
def test_there_are_no_other_words_whatever_callers_and_servers_say(fact: Fact) -> None:
    """What is kept does not grow, and holds nothing of anybody's."""
    assert set(tallied(fact, FUNCTIONS)) <= all_words(FUNCTIONS)


def test_the_words_are_a_few_hundred() -> None:
    """With every function that agents call there are; each costs a row a day."""
    assert len(all_words(frozenset(f"function{number}" for number in range(20)))) < 700


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 1000)), min_size=1))
def test_tallies_add_up_and_have_a_mean(parts: list[tuple[int, int]]) -> None:
    added = sum((Tally(count, seconds) for count, seconds in parts), Tally())
    assert (added.count, added.seconds) == (sum(one for one, _ in parts), sum(two for _, two in parts))
    assert added.mean == (added.seconds / added.count if added.count else None)
