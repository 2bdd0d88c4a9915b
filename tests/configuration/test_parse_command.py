"""`einmal parse` hears what a tenant's callers say as the tenant would: its hours, its services, its language."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from einmal.entrypoints.cli.main import main

SALON = """
id = "salon"
name = "Salon"
agents = ["a"]
{hours} = {{ saturday = ["03:00-03:45", "14:00-16:00"] }}
[[{services}]]
id = "cut"
name = "Haarschnitt"
aliases = ["Haare schneiden"]
event_type_id = 1
duration_minutes = 30
[[{services}]]
name = "Dauerwelle"
event_type_id = 2
duration_minutes = 60
horizon_days = 3
"""
ALONE = SALON.format(hours="opening_hours", services="services")
TWO = f"""
[[tenants]]
{SALON.format(hours="opening_hours", services="tenants.services")}
[[tenants]]
id = "practice"
name = "Practice"
agents = ["b"]
language = "en"
"""
NOW = ("--now", "2026-11-19T08:17")
AT_THREE = "Samstag um drei"


@pytest.fixture(autouse=True)
def a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("EINMAL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "einmal.toml"
    monkeypatch.setenv("EINMAL_CONFIG", str(path))
    return path


def heard(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["parse", *words, *NOW, "--json"])
    return code, json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["parse", AT_THREE, *words, *NOW]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_without_hours_at_three_is_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    """And the hours may be given."""
    code, data = heard(capsys, AT_THREE)
    assert (code, data["missing"], len(data["readings"])) == (1, ["time_unclear"], 2)
    code, data = heard(capsys, AT_THREE, "--hours", "09:00-18:00")
    assert (code, data["start"]) == (0, "2026-11-21T15:00:00+01:00")


@pytest.mark.parametrize(
    ("service", "start"),
    [
        ((), None),
        (("--service", "haarschnitt"), None),
        (("--service", "HAARE SCHNEIDEN"), None),
        (("--service", "cut"), None),
        (("--service", "Dauerwelle"), "2026-11-21T15:00:00+01:00"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_the_hours_of_the_house_settle_by_what_is_wished(
    capsys: pytest.CaptureFixture[str], file: Path, service: tuple[str, ...], start: str | None
) -> None:
    """At night only something short fits. Without a service the shortest counts: nothing is settled too early."""
    file.write_text(ALONE, "utf-8")
    assert heard(capsys, AT_THREE, *service)[1]["start"] == start


def test_the_horizon_of_a_service_counts(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """A reading that could not be booked is not settled on."""
    file.write_text(ALONE, "utf-8")
    assert heard(capsys, "Samstag in acht Tagen um drei", "--service", "Dauerwelle")[1]["start"] is None


def test_of_several_tenants_one_is_named(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """Nobody is taken for another; each has its hours and its language."""
    file.write_text(TWO, "utf-8")
    assert refused(capsys) == "einmal: there are several tenants; say which with --tenant: salon, practice\n"
    assert "there is no tenant 'x'; there are: salon, practice" in refused(capsys, "--tenant", "x")
    assert heard(capsys, AT_THREE, "--tenant", "salon", "--service", "2")[1]["start"] is not None
    code, data = heard(capsys, AT_THREE, "--tenant", "practice")
    assert (code, "?" in data["question"], "oder" in data["question"]) == (1, True, False)


def test_a_service_that_nobody_has_is_said(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """With those that there are; the account's own are not asked for."""
    file.write_text(TWO, "utf-8")
    wrong = refused(capsys, "--tenant", "salon", "--service", "Bart")
    assert "there is no 'Bart'; there are: Haarschnitt, Dauerwelle" in wrong
    assert "the configuration names none" in refused(capsys, "--tenant", "practice", "--service", "Bart")
