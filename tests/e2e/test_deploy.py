"""What an operator takes from `deploy/` and `docs/operating.md` is what it says: no engine, cluster or systemd needed.

`make soak LEG=ha` builds the cluster and breaks it. Here its files are read: that the settings which nothing
acknowledged is lost by are in them, that what they name exists, and that the page on growth tells the schema's truth.
"""

import argparse
import configparser
import json
import re
import shlex
import string
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint

from einmal.adapters.sql.schema import metadata
from einmal.entrypoints.cli.main import _parser
from einmal.settings import SETTINGS
from einmal.wiring import DRAIN_SECONDS

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "operating.md"
sys.path.insert(0, str(DEPLOY))

from ha.cluster import MODES, Cluster  # noqa: E402
from ha.member import Member, Ports, rendered  # noqa: E402

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
WRITTEN = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and path.suffix != ".pyc"]


class NotRead(Exception):
    """A line that the reader below does not know: it must not be passed over."""


def yaml(text: str) -> Any:
    """The YAML that is used here: block maps and lists, plain and quoted values, lists in one line."""
    written = (raw for raw in text.splitlines() if raw.strip() and not raw.lstrip().startswith("#"))
    lines = [(len(raw) - len(raw.lstrip()), raw.strip()) for raw in written]
    value, left = _block(lines, 0)
    if left:
        raise NotRead(left[0])
    return value


def _block(lines: list[tuple[int, str]], depth: int) -> tuple[Any, list[tuple[int, str]]]:
    found: dict[str, Any] = {}
    items: list[Any] = []
    while lines and lines[0][0] == depth:
        line, lines = lines[0][1], lines[1:]
        if line.startswith("- "):
            pair = re.fullmatch(r"([a-z-]+): (.+)", line[2:])
            items.append({pair[1]: _value(pair[2])} if pair else _value(line[2:]))
            continue
        pair = re.fullmatch(r"([\w.-]+):(?: (.+))?", line)
        if pair is None or pair[1] in found:
            raise NotRead(line)
        if pair[2] is not None:
            found[pair[1]] = _value(pair[2])
        elif lines and lines[0][0] > depth:
            found[pair[1]], lines = _block(lines, lines[0][0])
        else:
            found[pair[1]] = None
    if bool(found) == bool(items) or (lines and lines[0][0] > depth):
        raise NotRead(lines[0] if lines else "a block of both kinds, or none")
    return found or items, lines


def _value(text: str) -> Any:
    if text[0] in '"[':
        return json.loads(text)
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isdigit() else text


def test_control_the_reader_reads_no_more_than_it_knows() -> None:
    assert yaml("a:\n  b: 1\n  c:\n    - x\n") == {"a": {"b": 1, "c": ["x"]}}
    for odd in ("a: 1\na: 2", "a 1", "a: 1\n   b: 2", "a: 1\n- b", "{a: 1}"):
        with pytest.raises(NotRead):
            yaml(odd)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One node's files as cluster.py writes them, without the programs that it starts."""
    monkeypatch.setattr("ha.member.account", dict)

    def made(mode: str) -> Member:
        (tmp_path / mode).mkdir()
        member = Member("node1", tmp_path / mode / "node1", Ports(1, 2, 3, 4, 5))
        one = Cluster.__new__(Cluster)
        one.folder, one.mode, one.bin_dir, one.members = tmp_path / mode, mode, Path("/bin"), [member]
        words = dict.fromkeys(("rest", "superuser", "replication", "rewind", "einmal"), "word")
        one._configure(words, 6)  # noqa: SLF001 - what `up` does before it starts anything
        return member

    return made


def test_a_commit_waits_for_a_standby_and_only_such_a_standby_leads(cluster: Any) -> None:
    patroni = yaml(cluster("strict").patroni_yml.read_text("utf-8"))
    dcs = patroni["bootstrap"]["dcs"]
    assert dcs["synchronous_mode"] is True
    assert dcs["synchronous_mode_strict"] is True
    assert dcs["synchronous_node_count"] == 1
    assert dcs["ttl"] >= dcs["loop_wait"] + 2 * dcs["retry_timeout"]
    assert dcs["postgresql"]["use_pg_rewind"] is True
    parameters = dcs["postgresql"]["parameters"]
    assert parameters["synchronous_commit"] == "on"
    assert parameters["statement_timeout"] == 0
    assert "data-checksums" in patroni["bootstrap"]["initdb"]
    assert {"locale": "C.UTF-8"} in patroni["bootstrap"]["initdb"]
    assert "trust" not in json.dumps(patroni["postgresql"]["pg_hba"])


def test_control_the_asynchronous_run_differs_in_that_and_in_nothing_else(cluster: Any) -> None:
    strict, lax = (cluster(mode).patroni_yml.read_text("utf-8").splitlines() for mode in MODES)
    differ = {one.split(":")[0].strip() for one, other in zip(strict, lax, strict=True) if one != other}
    assert differ == {"synchronous_mode", "synchronous_mode_strict", "data_dir", "pgpass", "unix_socket_directories"}


def test_haproxy_leads_to_whoever_leads_and_cuts_off_whoever_does_not(cluster: Any) -> None:
    written = (cluster("strict").folder.parent / "haproxy.cfg").read_text("utf-8")
    assert "http-check send meth OPTIONS uri /primary" in written
    assert "on-marked-down shutdown-sessions" in written
    assert "    server node1 127.0.0.1:3 check port 5" in written
    seconds = re.search(r"timeout connect (\d+)s", written)
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "src/einmal/adapters/sql").glob("postgres*.py"))
    patience = re.search(r"^CONNECT_SECONDS: Final = ([\d.]+)$", sources, re.MULTILINE)
    assert seconds is not None
    assert patience is not None
    assert float(seconds[1]) < float(patience[1])


def test_no_template_is_written_with_a_gap_in_it() -> None:
    for name in ("patroni.yml", "etcd.env", "haproxy.cfg"):
        names = set(string.Template((DEPLOY / "ha" / name).read_text("utf-8")).get_identifiers())
        assert "$" not in rendered(name, dict.fromkeys(names, "1"))
        with pytest.raises(KeyError):
            rendered(name, dict.fromkeys(sorted(names)[1:], "1"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_and_lets_it_end(unit: Path) -> None:
    service, every = _unit(unit)
    words = service["ExecStart"].split()
    assert words[0] == "/opt/einmal/.venv/bin/einmal"
    assert words[1] in _choices(_parser())
    assert (service["Restart"], service["KillSignal"]) == ("always", "SIGTERM")
    graceful = re.search(r"timeout_graceful_shutdown=(\d+)", (ROOT / "src/einmal/entrypoints/cli/serve.py").read_text())
    assert graceful is not None
    assert float(service["TimeoutStopSec"]) > DRAIN_SECONDS + float(graceful[1])
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    for right in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert right in every


def test_the_units_differ_in_what_they_run_only() -> None:
    gateway, worker = (_unit(unit)[0] for unit in reversed(UNITS))
    differ = {name for name in gateway | worker if gateway.get(name) != worker.get(name)}
    assert differ == {"ExecStart", "WorkingDirectory", "StateDirectory"}


def _unit(path: Path) -> tuple[dict[str, str], list[str]]:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(path.read_text("utf-8"))
    assert read.sections() == ["Unit", "Service", "Install"]
    return dict(read["Service"]), path.read_text("utf-8").splitlines()


def test_the_image_holds_what_is_there_and_is_not_run_by_root() -> None:
    lines = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text("utf-8")).splitlines()
    steps = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    copied = [words.split()[0] for step, words in steps if step == "COPY" and "--from" not in words]
    let_in = [
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)
    assert [words for step, words in steps if step == "USER"] == ["10001:10001"]
    assert any("--require-hashes" in words for step, words in steps if step == "RUN")
    assert any("/readyz" in words for step, words in steps if step == "HEALTHCHECK")
    command = json.loads(next(words for step, words in steps if step == "CMD"))
    assert command[0] in _choices(_parser())


def test_compose_starts_what_exists_with_as_few_rights() -> None:
    services = yaml((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    build = services["gateway"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    for name in ("gateway", "worker"):
        one = services[name]
        assert one["command"][0] in _choices(_parser())
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert int(one["stop_grace_period"].rstrip("s")) > DRAIN_SECONDS + 12
    assert services["gateway"]["ports"] == ["127.0.0.1:8080:8080"]
    assert "C.UTF-8" in services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_every_setting_named_in_the_folder_exists() -> None:
    known = {setting.variable for setting in SETTINGS}
    named = {name for path in WRITTEN for name in re.findall(r"EINMAL_[A-Z_]*[A-Z]", path.read_text("utf-8"))}
    assert named
    assert named <= known


@pytest.mark.parametrize("page", [PAGE, DEPLOY / "README.md"], ids=lambda path: path.name)
def test_every_command_and_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    spans = re.findall(r"`([^`\n]+)`", text)
    spans += re.findall(r"^(?:[A-Z_]+=\S+ )?[.\w/]*\beinmal .*$", text, re.MULTILINE)
    named = (re.match(r"(?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?einmal (.+)", span) for span in spans)
    commands = [one[1] for one in named if one is not None]
    assert len(commands) >= (5 if page == PAGE else 0)
    for command in commands:
        parser, words = _parser(), shlex.split(command.partition("#")[0])
        while words and words[0] in _choices(parser):
            parser, words = _choices(parser)[words[0]], words[1:]
        assert not _choices(parser), f"{command}: which of its commands?"
        for option in (word for word in words if word.startswith("--")):
            assert option in parser.format_help(), command
    files = re.compile(r"(?:deploy/)?(?:ha|systemd)/[\w.-]+|(?:Dockerfile|compose)[\w.]*")
    for name in filter(files.fullmatch, spans):
        assert (DEPLOY / name).exists() or (ROOT / name).exists(), name


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def test_every_alarm_that_the_page_names_can_be_raised() -> None:
    """What the code makes of a kind of work and `_failed` or `_without_ledger` counts as both words."""
    table = PAGE.read_text("utf-8").partition("| `message` on `alerts`")[2].partition("\n\n")[0]
    named = re.findall(r"`([a-z_]+)`", table)
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src/einmal/flows").glob("*.py")))
    kinds = re.findall(r'(?:self\._do)?\("(\w+)", (?:lambda: )?(?:self|back)\.\w+', source)
    made = {f"{kind}{what}" for kind in kinds for what in re.findall(r'f"\{name\}(_\w+)"', source)}
    assert len(named) > 10
    assert not [name for name in named if name not in made and f'"{name}"' not in source]


def test_the_page_on_growth_names_every_key_without_the_tenant() -> None:
    """The tenant is the distribution key of what names it; whatever does not is in the table of what would change."""
    table = PAGE.read_text("utf-8").partition("| table | unique without the tenant")[2].partition("\n\n")[0]
    told = {(row[0], name) for row in _rows(table) for name in re.findall(r"`(\w+)`", row[1])}
    found = set()
    for one in metadata.sorted_tables:
        for key in [*one.constraints, *(index for index in one.indexes if index.unique)]:
            if isinstance(key, PrimaryKeyConstraint | UniqueConstraint | Index) and "tenant_id" not in key.columns:
                by_columns = isinstance(key, PrimaryKeyConstraint)
                found |= {(one.name, name) for name in (key.columns.keys() if by_columns else [str(key.name)])}
    assert ("appointments", "unique_calcom_v2_booking_id") in found
    assert told == found


def _rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
