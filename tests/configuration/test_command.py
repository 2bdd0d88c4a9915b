"""`einmal config`: exit codes, what is shown, what a program reads; and the example as a stranger would use it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from einmal.configuration.example import example
from einmal.entrypoints.cli.main import main

KEYS = (
    *("SALON_NORD_CALCOM_API_KEY", "SALON_NORD_CALCOM_WEBHOOK_SECRET", "SALON_NORD_RETELL_API_KEY"),
    *("PRAXIS_SUED_CALCOM_API_KEY", "PRAXIS_SUED_RETELL_API_KEY"),
)


@pytest.fixture(autouse=True)
def a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*KEYS, *os.environ]:
        if name.startswith("EINMAL_") or name in KEYS:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, f"hush_{name.lower()}")


def file(folder: Path, text: str) -> str:
    path = folder / "salon.toml"
    path.write_text(text, "utf-8")
    return str(path)


def checked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["config", "check", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_example_is_printed_and_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str], keys: None) -> None:
    """What a stranger does first: print it, set the keys, check it."""
    assert main(["config", "example"]) == 0
    printed = capsys.readouterr().out
    assert printed == example()
    code, out, err = checked(capsys, file(tmp_path, printed))
    assert (code, err) == (0, "")
    for words in (
        "Salon Nord (Beispiel) (salon-nord)",
        "+493023125000",
        "thursday       09:00-12:30, 13:30-20:00",
        "2027-01-02     10:00-16:00 (saturday)",
        "Neujahr",
        'Anna, also Frau Beispiel (id "anna", Cal.com user 101 (not in force yet))',
        "with Anna, Ben",
        "Beispielstraße 1, 10115 Berlin (not in force yet)",
        "webhooks signed",
        "Haarschnitt: 45 min, event type 2001; also Haare schneiden",
        "until 1 day before",
        "Praxis Süd (Beispiel) (praxis-sued)",
        "not said: the calendar alone decides",
        "every event type of the account",
        "salon.toml is right.",
    ):
        assert words in out
    assert "hush_" not in out
    assert "EINMAL_" not in out, "who names a file asks about that one"


def test_without_its_keys_the_example_says_which_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, each with its line."""
    code, out, err = checked(capsys, file(tmp_path, example()))
    assert (code, out) == (2, "")
    assert [name for name in KEYS if f"the environment variable {name} is not set" not in err] == []
    assert err.endswith("5 problems.\n")


def test_what_is_wrong_is_shown_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the page shows it: where, which key, what is allowed; and the line itself, once for all that is in it."""
    path = file(tmp_path, '[opening_hours]\nmonday = ["9-25", "10"]\ntuesday = ["7"]\n')
    code, _, err = checked(capsys, path)
    assert code == 2
    assert err == (
        f'{path}:2: opening_hours.monday: "9-25" is no span of opening hours; write "09:00-18:00"\n'
        f'{path}:2: opening_hours.monday: "10" is no span of opening hours; write "09:00-18:00"\n'
        '     2 | monday = ["9-25", "10"]\n\n'
        f'{path}:3: opening_hours.tuesday: "7" is no span of opening hours; write "09:00-18:00"\n'
        '     3 | tuesday = ["7"]\n\n'
        "3 problems.\n"
    )


def test_file_and_environment_are_checked_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong variable does not hide a wrong line; a variable that the file names is no unknown setting."""
    monkeypatch.setenv("EINMAL_PORT", "x")
    monkeypatch.setenv("EINMAL_SALON_KEY", "cal_x")
    monkeypatch.setenv("EINMAL_CONFIG", file(tmp_path, 'calcom_api_key = { env = "EINMAL_SALON_KEY" }\nlanguage = "x"'))
    code, _, err = checked(capsys)
    assert code == 2
    assert err.startswith("EINMAL_PORT: must be a port number")
    assert 'salon.toml:2: language: must be one of de, en, not "x"' in err
    assert "EINMAL_SALON_KEY" not in err
    assert "cal_x" not in err


def test_the_only_tenant_is_what_is_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of settings says where each value is from: the environment, the file, or nowhere."""
    monkeypatch.setenv("EINMAL_CONFIG", file(tmp_path, 'time_zone = "Europe/Vienna"\nlanguage = "en"\n'))
    monkeypatch.setenv("EINMAL_LANGUAGE", "de")
    monkeypatch.setenv("EINMAL_PORT", "8081")
    code, out, _ = checked(capsys, "--json")
    settings = json.loads(out)["settings"]
    assert code == 0
    assert settings["EINMAL_TIMEZONE"] == {"in_force": "Europe/Vienna", "from": "file"}
    assert settings["EINMAL_LANGUAGE"] == {"in_force": "en", "from": "file"}
    assert settings["EINMAL_PORT"] == {"in_force": "8081", "from": "set"}
    assert settings["EINMAL_HOST"] == {"in_force": "127.0.0.1", "from": "default"}
    assert settings["EINMAL_ADMIN_TOKEN"] == {"in_force": None, "from": "default"}
    code, out, _ = checked(capsys)
    assert code == 0
    assert "Europe/Vienna" in out
    assert out.endswith("The settings are right.\n")


def test_a_program_reads_what_was_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str], keys: None) -> None:
    """The whole configuration as JSON, without secrets."""
    code, out, _ = checked(capsys, file(tmp_path, example()), "--json")
    data: dict[str, Any] = json.loads(out)
    assert (code, data["right"]) == (0, True)
    salon, practice = data["tenants"]
    assert salon["opening_hours"]["tuesday"] == ["09:00-12:30", "13:30-18:00"]
    assert salon["special_days"]["2026-12-31"] == []
    assert salon["policies"]["cancel_notice_hours"] == 24
    assert salon["services"][0]["notice_minutes"] == 120
    assert salon["calcom_api_key"] is True
    assert practice["opening_hours"] is None
    assert "address" in salon["not_in_force_yet"]
    assert "Neujahr" in salon["holidays"].values()
    assert "hush_" not in out


def test_a_program_reads_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Line, key, message and the line's text, for an editor."""
    code, out, err = checked(capsys, file(tmp_path, 'language = "x"'), "--json")
    data = json.loads(out)
    assert (code, err) == (2, "")
    (problem,) = data["file"]
    assert (problem["line"], problem["path"], problem["text"]) == (1, "language", 'language = "x"')
    assert data["settings"] == []


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """In a line, without a traceback."""
    code, _, err = checked(capsys, "/nowhere/salon.toml")
    assert (code, err) == (2, "/nowhere/salon.toml: cannot be read: No such file or directory\n1 problem.\n")


def test_the_summary_tells_hours_to_midnight_and_open_holidays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is easily misread in the file is said in words."""
    year = "\n".join(f'"{year}-12-25" = ["10:00-24:00"]' for year in range(2026, 2037))
    hours = '[opening_hours]\nfriday = ["18:00-24:00"]\n[special_days]\n'
    text = f'state = "BE"\n[policies]\ncancel_notice_hours = 1.5\n{hours}{year}'
    code, out, _ = checked(capsys, file(tmp_path, text))
    assert code == 0
    assert "friday         18:00-24:00" in out
    assert "Erster Weihnachtstag (but open 10:00-24:00)" in " ".join(out.split())
    assert "until 90 min before" in out
    assert "all: it names no agent and no number" in out
    assert "no key: calls from this machine only" in out
    assert "the built-in simulator" in out


LONG = "-".join(["ein-sehr-langes-Wort"] * 4)


def test_what_is_long_is_not_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads it gets whole lines, however wide the terminal is said to be."""
    code, out, _ = checked(capsys, file(tmp_path, f'state = "BE"\naddress = "{LONG}"\n[opening_hours]\nfriday = []'))
    assert code == 0
    assert f"address        {LONG} (not in force yet)\n" in out
    assert "…" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


@pytest.mark.parametrize("columns", ["10", "50"])
def test_a_narrow_terminal_folds_what_is_long(tmp_path: Path, columns: str) -> None:
    """Each letter is there, in as many lines as it takes."""
    path = file(tmp_path, f'address = "{LONG}"\nagents = ["agent_{"a1" * 40}"]')
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")}
    environment |= {"COLUMNS": columns, "TERM": "dumb", "EINMAL_CONFIG": path}
    ours, theirs = pty.openpty()
    told = b""
    with subprocess.Popen(
        [sys.executable, "-m", "einmal", "config", "check"], stdout=theirs, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                told += part
        except OSError:
            pass  # so Linux says that the other end was closed
        running.wait(30)
    os.close(ours)
    text = told.decode()
    assert running.returncode == 0, text
    assert "…" not in text
    if columns == "50":
        address = "".join(line[14:].strip() for line in text.splitlines())
        assert LONG in address
        assert f"agent_{'a1' * 40}" in address
    assert "".join(text.split()).count("a1") >= 40


def test_several_values_of_one_setting_are_shown_as_they_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as a program holds them."""
    monkeypatch.setenv("EINMAL_SMTP_URL", "smtp://localhost:2525")
    monkeypatch.setenv("EINMAL_MAIL_FROM", "einmal@salon.test")
    monkeypatch.setenv("EINMAL_MAIL_TO", "eins@salon.test,zwei@salon.test")
    _, out, _ = checked(capsys, "--json")
    assert json.loads(out)["settings"]["EINMAL_MAIL_TO"]["in_force"] == "eins@salon.test, zwei@salon.test"
