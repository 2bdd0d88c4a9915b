"""What `make check` asks of the locks, the licences and the list of parts: that it sees what it is there to see."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import audit  # noqa: E402
import licences  # noqa: E402
import locks  # noqa: E402
import sbom  # noqa: E402

HASH = "--hash=sha256:" + "a" * 64
OTHER = "--hash=sha256:" + "b" * 64
PINNED = f"aiohttp==3.14.5 \\\n    {HASH}\n    # via einmal (pyproject.toml)\n"


def test_the_locks_are_what_they_must_be() -> None:
    """Each requirement pinned and hashed, none by address, one version of each in what is tested and what is run."""
    found, problems = locks.locks()
    assert problems == []
    assert {"runtime.txt", "extras.txt", "dev.txt", "bench.txt", "docs.txt"} == set(found)
    by_file = {name: {(pin.name, pin.version) for pin in pins} for name, pins in found.items()}
    assert by_file["runtime.txt"] < by_file["extras.txt"] < by_file["dev.txt"]


def test_a_pin_is_read_with_its_hashes_and_who_asks_for_it() -> None:
    pins, problems = locks.pins_of(
        f"{PINNED}attrs==26.1.0 \\\n    {HASH} \\\n    {OTHER}\n    # via\n    #   -c x.txt\n    #   aiohttp\n", "a"
    )
    assert problems == []
    assert [(pin.name, pin.version, len(pin.hashes), pin.by) for pin in pins] == [
        ("aiohttp", "3.14.5", 1, ("einmal",)),
        ("attrs", "26.1.0", 2, ("aiohttp",)),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("aiohttp==3.14.5\n", "a: aiohttp has no sha256"),
        ("aiohttp==3.14.5 \\\n    --hash=md5:abc\n", "a: aiohttp has no sha256"),
        (f"aiohttp>=3.14.5 \\\n    {HASH}\n", "a: aiohttp is not pinned to one version"),
        (f"aiohttp==3.* \\\n    {HASH}\n", "a: aiohttp is not pinned to one version"),
        (f"aiohttp \\\n    {HASH}\n", "a: aiohttp is not pinned to one version"),
        ("--index-url https://index.example/simple\n", "a: `--index-url` has no place in a lock"),
        ("-e .\n", "a: `-e` has no place in a lock"),
        (f"aiohttp @ https://index.example/a.whl \\\n    {HASH}\n", "a: aiohttp is fetched by address"),
        (f"https://index.example/a.whl \\\n    {HASH}\n", "a: https://index.example/a.whl is fetched by address"),
    ],
)
def test_what_is_loose_is_seen(text: str, problem: str) -> None:
    """Beside one that is as it should be."""
    pins, problems = locks.pins_of(PINNED + text, "a")
    assert [pin.name for pin in pins] == ["aiohttp"]
    assert problems == [problem]


def test_what_the_project_asks_for_must_be_in_the_lock() -> None:
    pins, _ = locks.pins_of(PINNED, "a")
    assert locks.missing(["aiohttp>=3.14,<4", "einmal[mcp]"], pins, "a") == []
    assert locks.missing(["aiohttp>=4"], pins, "a") == ["a: aiohttp is not >=4; run make lock"]
    assert locks.missing(["alembic"], pins, "a") == ["a: alembic is missing; run make lock"]


def test_one_version_and_one_set_of_files_everywhere() -> None:
    """Tools that are never run together with the gateway may have a version of their own."""
    one, _ = locks.pins_of(PINNED, "a")
    newer, _ = locks.pins_of(PINNED.replace("3.14.5", "3.14.6"), "a")
    forged, _ = locks.pins_of(PINNED.replace("a" * 64, "b" * 64), "a")
    assert locks.differing({"runtime.txt": one, "dev.txt": one, "bench.txt": newer}) == []
    assert locks.differing({"runtime.txt": one, "dev.txt": newer}) == [
        "dev.txt: aiohttp 3.14.6, but runtime.txt has 3.14.5"
    ]
    assert locks.differing({"runtime.txt": one, "bench.txt": forged}) == [
        "bench.txt: aiohttp 3.14.5 has other files than in runtime.txt"
    ]


def test_a_licence_that_nobody_looked_at_is_not_allowed() -> None:
    assert licences.may_be("MIT")
    assert licences.may_be("Apache-2.0 AND (MIT)")
    assert licences.may_be("GPL-2.0-only OR MIT")
    assert not licences.may_be("GPL-2.0-only")
    assert not licences.may_be("MIT AND AGPL-3.0-only")
    assert not licences.may_be("a licence of my own")


def test_everything_that_is_run_is_under_an_allowed_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that names another, or none, is told by name."""
    pins, _ = locks.pins_of((locks.FOLDER / "extras.txt").read_text("utf-8"), "extras.txt")
    rows, problems = licences.rows_of(pins)
    assert problems == []
    assert {"aiohttp", "asyncpg", "pymysql", "mcp", "opentelemetry-sdk"} <= {name for name, _, _ in rows}
    with monkeypatch.context() as forbidden:
        forbidden.setattr(licences, "ALLOWED", licences.ALLOWED - {"MPL-2.0"})
        assert licences.rows_of(pins)[1] == ["certifi: nobody has looked at its licence yet: MPL-2.0"]


def test_the_list_of_parts_is_valid_and_names_each_with_its_files() -> None:
    """The schema is asked, and does refuse."""
    pins, _ = locks.pins_of((locks.FOLDER / "extras.txt").read_text("utf-8"), "extras.txt")
    text = sbom.written(pins)
    told: dict[str, Any] = json.loads(text)
    parts = {one["name"]: one for one in told["components"]}
    assert {pin.name for pin in pins} | {"htmx.min.js", "hx-sse.min.js"} == set(parts)
    assert parts["aiohttp"]["scope"] == "required"
    assert parts["asyncpg"]["scope"] == parts["mcp"]["scope"] == parts["certifi"]["scope"] == "optional"
    files = {one["content"] for one in parts["aiohttp"]["externalReferences"][0]["hashes"]}
    assert files == next(pin.hashes for pin in pins if pin.name == "aiohttp")
    asked = {one["ref"]: set(one.get("dependsOn", ())) for one in told["dependencies"]}
    assert {"aiohttp", "asyncpg", "htmx.min.js"} <= asked["einmal"]
    assert "multidict" in asked["aiohttp"]
    assert sbom.written(pins) == text, "the same lock gives the same list"
    with pytest.raises(sbom.NotValid):
        sbom.valid(text.replace('"type": "library"', '"type": "gadget"', 1))


def test_the_part_that_is_brought_along_is_told_in_its_version() -> None:
    _, version, _, _ = licences.VENDORED[0]
    assert f'version="{version}"' in (sbom.STATIC / "htmx.min.js").read_text("utf-8")


def test_an_advisory_is_heard_and_silence_is_no_health() -> None:
    """A package that the database does not know was not audited; nor was anything where nobody answered."""
    vulnerable = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"]}]}
    report = {"dependencies": [vulnerable, {"name": "rich", "skip_reason": "not found"}], "fixes": []}
    assert audit.told_by(json.dumps(report)) == audit.Told(1, ("jinja2 3.1.0: PYSEC-1, mended in 3.1.6",))
    unknown = {"dependencies": [{"name": "rich", "skip_reason": "not found"}], "fixes": []}
    assert audit.told_by(json.dumps(unknown)) == audit.told_by("") == audit.Told(0, ())


def test_what_its_makers_withdrew_is_told() -> None:
    def install(name: str, *, yanked: bool) -> dict[str, Any]:
        return {"metadata": {"name": name, "version": "1"}, "is_yanked": yanked}

    report = {"install": [install("kept", yanked=False), install("regretted", yanked=True)]}
    assert audit.withdrawn_of(json.dumps(report)) == ["regretted 1 was yanked by its makers"]


def test_where_nobody_answers_it_says_that_nothing_was_audited(capsys: pytest.CaptureFixture[str]) -> None:
    """And what the index told is a finding all the same."""
    withdrawn = ["regretted 1 was yanked by its makers"]
    assert audit.problems_of(withdrawn, lambda _service: audit.Told(0, ())) == withdrawn
    assert "NOT AUDITED: no advisory database is reachable from here" in capsys.readouterr().out


def test_the_first_database_that_answers_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"pypi": audit.Told(0, ()), "osv": audit.Told(73, ("jinja2 3.1.0: PYSEC-1",))}
    assert audit.problems_of([], answers.__getitem__) == ["jinja2 3.1.0: PYSEC-1"]
    assert "73 packages audited, 1 advisories" in capsys.readouterr().out


def test_an_index_that_gives_something_else_is_a_finding() -> None:
    assert audit.problems_of(None, lambda _service: audit.Told(1, ()))[0].startswith("the package index does not give")
