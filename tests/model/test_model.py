"""The protocol as a model: what is sound holds, and each mechanism that is left out is missed.

Every variant of docs/model/variants.toml goes through TLC once, two at a time, while the tests wait for what they need.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest

from einmal.domain import intent
from model.tlc import AT_A_TIME, MODEL, SPECIFICATION, CannotCheck, Run, Variant, check, variants

ALL: Final = variants()
TESTED: Final = [variant for variant in ALL.values() if not variant.soak]
SOUND: Final = [variant.name for variant in TESTED if variant.violates is None]
BROKEN: Final = [variant.name for variant in TESTED if variant.violates is not None]

TLA: Final = SPECIFICATION.read_text("utf-8")


class Runs:
    """One run a variant, begun when it is first wanted, or before."""

    def __init__(self, pool: ThreadPoolExecutor, scratch: pytest.TempPathFactory) -> None:
        self._pool = pool
        self._scratch = scratch
        self._begun: dict[str, Future[Run]] = {}

    def begin(self, name: str) -> Future[Run]:
        if name not in self._begun:
            self._begun[name] = self._pool.submit(check, ALL[name], self._scratch.mktemp(name))
        return self._begun[name]

    def of(self, name: str) -> Run:
        begun = self.begin(name)
        if isinstance(failure := begun.exception(), CannotCheck):
            pytest.fail(str(failure), pytrace=False)
        return begun.result()


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Everything that the chosen tests will ask for is begun at once, in the order of variants.toml."""
    chosen = {
        item.callspec.params.get("name")
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    }
    pool = ThreadPoolExecutor(AT_A_TIME)
    made = Runs(pool, tmp_path_factory)
    for variant in TESTED:
        if variant.name in chosen:
            made.begin(variant.name)
    yield made
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_holds_in_every_state(runs: Runs, name: str) -> None:
    """And what it is about has happened in it: a model in which nothing goes wrong proves nothing."""
    run = runs.of(name)
    assert run.violated is None, run.counterexample
    assert ALL[name].reaches <= run.reached


@pytest.mark.parametrize("name", BROKEN)
def test_what_lacks_a_mechanism_breaks(runs: Runs, name: str) -> None:
    """With the property that is written down for it: breaking in another way is not the same reason."""
    assert runs.of(name).violated == ALL[name].violates


def test_every_move_of_the_table_is_made_in_a_sound_variant(runs: Runs) -> None:
    """No arrow of the table is there for nothing, and none is checked only on paper."""
    made = frozenset().union(*(runs.of(name).moved for name in SOUND))
    assert made == {(at, to) for at, _, to in _moves()} | {("none", "intent"), ("none", "sent")}


def test_the_moves_are_those_of_the_domain() -> None:
    """The model is of this gateway, not of one like it."""
    ours = [
        (state.value, event.value, to.value) for state, moves in intent.MOVES.items() for event, to in moves.items()
    ]
    assert sorted(_moves()) == sorted(ours)


@pytest.mark.parametrize(
    ("family", "states"),
    [
        ("Unresolved", intent.UNRESOLVED),
        ("Booked", intent.BOOKED),
        ("Refused", intent.REFUSED),
        ("Ended", intent.ENDED),
    ],
)
def test_the_families_of_states_are_those_of_the_domain(family: str, states: frozenset[intent.State]) -> None:
    """What counts as unresolved, booked, refused or over is the same in both."""
    assert _quoted(rf"^{family} +== \{{(.*?)\}}") == {state.value for state in states}


def test_every_mechanism_is_missed_when_it_is_left_out() -> None:
    """A mechanism that no broken variant lacks could be dropped unnoticed."""
    mechanisms = _quoted(r"^Mechanisms == \{(.*?)\}")
    assert frozenset().union(*(ALL[name].left_out for name in BROKEN)) == mechanisms


def test_every_property_can_fail() -> None:
    """A property that no variant breaks might be true of anything."""
    checked = frozenset().union(*(ALL[name].properties for name in SOUND))
    assert {ALL[name].violates for name in BROKEN} == checked


@pytest.mark.parametrize("variant", ALL.values(), ids=lambda variant: variant.name)
def test_a_variant_lacks_what_it_says_and_checks_what_it_breaks(variant: Variant) -> None:
    """variants.toml and the .cfg tell the same story."""
    assert variant.left_out == variant.declared_left_out
    assert variant.properties
    assert variant.violates is None or variant.violates in variant.properties


def test_no_variant_is_forgotten() -> None:
    """Every .cfg is in variants.toml, and the README tells of each what is expected."""
    assert {path.stem for path in (MODEL / "variants").iterdir()} == set(ALL)
    rows = re.findall(
        r"^\| `(\w+)` \|.*?\| (pass|\w+ in \d+) \|", (MODEL / "README.md").read_text("utf-8"), re.MULTILINE
    )
    told = {name: None if verdict == "pass" else verdict.split()[0] for name, verdict in rows}
    assert told == {variant.name: variant.violates for variant in ALL.values()}


def _moves() -> list[tuple[str, str, str]]:
    block = TLA.partition("\\* BEGIN MOVES")[2].partition("\\* END MOVES")[0]
    return re.findall(r'<<"(\w+)", "(\w+)", "(\w+)">>', block)


def _quoted(block: str) -> set[str]:
    found = re.search(block, re.sub(r"\\\*.*", "", TLA), re.MULTILINE | re.DOTALL)
    assert found, f"Einmal.tla has no {block}"
    return set(re.findall(r'"(.*?)"', found[1]))
