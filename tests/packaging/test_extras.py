"""An extra is neither needed nor loaded until it is asked for, and then its lack is told with what to install."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from einmal import extras
from einmal.extras import Extra
from einmal.settings import BadSettings, read_settings

ROOT = Path(__file__).parent.parent.parent
EVERY = [one for one in vars(extras).values() if isinstance(one, Extra)]
BROUGHT = {
    "postgres": {"asyncpg", "greenlet"},
    "mysql": {"pymysql"},
    "mcp": {"mcp", "mcp_types", "pydantic", "pydantic_core", "jsonschema", "sse_starlette"},
    "tracing": {"opentelemetry", "google", "requests"},
}
"""Top-level modules that come with each, and with nothing else."""

WITHOUT = """
import sys
class Without:
    def __init__(self, finder): self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {blocked!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(Without, sys.meta_path)
{then}
"""
"""As if those had never been installed, for whoever looks for them too."""


def _run(then: str, *arguments: str, blocked: Iterable[str] = ()) -> "subprocess.CompletedProcess[str]":
    code = WITHOUT.format(blocked=set(blocked), then=then)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def _einmal(*words: str, without: str) -> "subprocess.CompletedProcess[str]":
    """The command, where an extra is not installed."""
    then = "from einmal.entrypoints.cli.main import main; sys.exit(main(sys.argv[1:]))"
    return _run(then, *words, blocked=BROUGHT[without])


def test_each_extra_of_the_package_can_be_asked_for_by_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {one.name for one in EVERY} | {"dev"} == set(project["optional-dependencies"])
    assert [one.name for one in EVERY if one.is_missing()] == [], "the tests run with all of them"


def test_a_gateway_on_a_file_loads_no_extra() -> None:
    """Nor what changes a schema, which a ledger that is as it should be has no use for."""
    loaded = _run("import json, einmal.entrypoints.cli.serve; print(json.dumps(sorted(sys.modules)))")
    names = {name.partition(".")[0] for name in json.loads(loaded.stdout)}
    assert names & set.union(*BROUGHT.values()) == set()
    assert names & {"sqlalchemy", "alembic", "holidays"} == set()
    assert {"aiohttp", "starlette", "uvicorn"} <= names, "it did load the gateway"


def test_no_command_needs_any_to_begin() -> None:
    commands = ["serve", "work", "audit", "dedupe", "importing", "verify", "simulate", "demo", "database", "reconcile"]
    modules = [f"einmal.entrypoints.cli.{one}" for one in commands] + [
        "einmal.adapters.sql.migrating",
        "einmal.library",
    ]
    done = _run(f"import {', '.join(modules)}", blocked=set.union(*BROUGHT.values()))
    assert done.returncode == 0, done.stderr


def test_a_whole_command_does_without_any_on_a_file(tmp_path: Path) -> None:
    """Migrating, looking for duplicates and proving included."""
    ledger = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    then = (
        f"import os; os.environ['EINMAL_DATABASE_URL'] = {ledger!r}\n"
        "from einmal.entrypoints.cli.main import main\n"
        "world = ['simulate', '--intents', '10', '--processes', '1']\n"
        "sys.exit(main(['db', 'upgrade']) or main(['audit']) or main(world))"
    )
    done = _run(then, blocked=set.union(*BROUGHT.values()))
    assert done.returncode == 0, done.stdout + done.stderr


def _how(name: str) -> str:
    return f"which is not installed here; pip install 'einmal[{name}]', or in a clone pip install -e '.[{name}]'"


def test_a_ledger_on_postgresql_says_what_to_install() -> None:
    then = (
        "from einmal.settings import BadSettings, read_settings\n"
        "try: read_settings({'EINMAL_DATABASE_URL': 'postgresql://me:hunter2@db/salon'})\n"
        "except BadSettings as wrong: print(*wrong.problems)"
    )
    said = _run(then, blocked=BROUGHT["postgres"]).stdout.strip()
    assert said == f"EINMAL_DATABASE_URL: PostgreSQL needs asyncpg, {_how('postgres')}"
    assert _run(then).stdout == "", "with it the same URL is right"


@pytest.mark.parametrize(
    ("words", "name", "said"),
    [
        (("audit", "--url", "mysql://me@db/salon", "--table", "t", "--column", "c"), "mysql", "mysql needs PyMySQL"),
        (("audit", "--url", "mariadb://me@db/salon", "--table", "t", "--column", "c"), "mysql", "mysql needs PyMySQL"),
        (
            ("audit", "--url", "postgres://me@db/s", "--table", "t", "--column", "c"),
            "postgres",
            "postgresql needs asyncpg",
        ),
        (("simulate", "--ledger", "postgres", "--database-url", "postgresql://me@db/s"), "postgres", "needs asyncpg"),
        (("mcp",), "mcp", "`einmal mcp` needs the MCP SDK"),
    ],
)
def test_a_command_that_cannot_do_without_says_what_to_install(words: tuple[str, ...], name: str, said: str) -> None:
    """In one line, without a traceback."""
    done = _einmal(*words, without=name)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f"{said}, {_how(name)}" in done.stderr.splitlines()[-1]


def test_half_an_extra_is_none() -> None:
    """A name that something else brought along is not the part that is needed."""
    assert Extra("x", "X", "email.no_such_part").is_missing()
    assert Extra("x", "X", "no_such_package.part").is_missing()
    assert not Extra("x", "X", "email.message").is_missing()


def test_control_a_wrong_address_is_told_before_the_extra() -> None:
    with pytest.raises(BadSettings, match="must be sqlite:///path/to/file or postgresql://user@host/database"):
        read_settings({"EINMAL_DATABASE_URL": "oracle://db/salon"})
