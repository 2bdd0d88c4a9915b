"""Secrets handed over as files or sealed: for every setting that is one, with every mistake told and none quoted."""

from pathlib import Path

import pytest

from einmal.sealed import Keyring, new_key, read_keys
from einmal.settings import SETTINGS, BadSettings, read_settings
from einmal.settings.given import given, secret_settings

HOUSE = {"EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"}
CANARY = "cal_live_7f3a91c0ffee"


def wrong(environment: dict[str, str]) -> str:
    with pytest.raises(BadSettings) as bad:
        read_settings(HOUSE | environment)
    told = "\n".join(bad.value.problems)
    assert CANARY not in told
    return told


def a_file(folder: Path, content: str, mode: int = 0o600) -> str:
    path = folder / "a secret"
    path.write_text(content, "utf-8")
    path.chmod(mode)
    return str(path)


def test_which_settings_are_secrets_is_told_by_their_type() -> None:
    """Written out here a second time: one that is none any more, or a new one, is seen."""
    assert {variable.removeprefix("EINMAL_") for variable in secret_settings()} == {
        *("DATABASE_URL", "CALCOM_API_KEY", "CALCOM_WEBHOOK_SECRET", "RETELL_API_KEY", "VAPI_SECRET"),
        *("ELEVENLABS_SECRET", "ELEVENLABS_WEBHOOK_SECRET", "MCP_SECRET", "API_KEYS", "ADMIN_TOKEN", "READER_TOKEN"),
        *("OPERATOR_PASSWORD", "READER_PASSWORD", "SECRETS_KEY", "NOTIFY_SECRET", "SLACK_URL", "SMTP_URL"),
        "TWILIO_TOKEN",
    }


def test_nothing_that_is_named_like_a_secret_is_read_as_plain_text() -> None:
    """A setting called key, token, secret or password has the type of one."""
    named = {one.variable for one in SETTINGS if any(word in one.name for word in ("key", "token", "secret", "passw"))}
    assert named <= set(secret_settings())


@pytest.mark.parametrize("variable", secret_settings())
def test_each_secret_may_be_given_by_a_file(tmp_path: Path, variable: str) -> None:
    """What is in the file is read as if it stood in the variable, without the line's end."""
    found = given({f"{variable}_FILE": a_file(tmp_path, "a value\n"), "OTHER": "x"})
    assert found.environment == {variable: "a value", "OTHER": "x"}
    assert (found.problems, found.exposed) == ((), ())


def test_the_settings_are_those_of_the_file(tmp_path: Path) -> None:
    """From the environment to the value that is used; two keys with a comma as well."""
    settings = read_settings(HOUSE | {"EINMAL_RETELL_API_KEY_FILE": a_file(tmp_path, f"{CANARY}, key_2\n")})
    assert [key.reveal() for key in settings.retell_api_key] == [CANARY, "key_2"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("relative", "EINMAL_ADMIN_TOKEN_FILE: must be the whole path of a file"),
        ("/nowhere/x", "EINMAL_ADMIN_TOKEN_FILE: the file cannot be read: No such file or directory"),
        ("/", "EINMAL_ADMIN_TOKEN_FILE: the file cannot be read: it is no file"),
        ("/\0", "EINMAL_ADMIN_TOKEN_FILE: the file cannot be read: no such path"),
        (f"{CANARY}", "EINMAL_ADMIN_TOKEN_FILE: must be the whole path"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, told: str) -> None:
    """A key pasted where a path should stand is not repeated either."""
    assert told in wrong({"EINMAL_ADMIN_TOKEN_FILE": name})


@pytest.mark.parametrize(
    ("content", "told"), [("", "the file is empty"), (" \n", "the file is empty"), ("x" * 5000, "longer")]
)
def test_a_file_holds_nothing_but_the_secret(tmp_path: Path, content: str, told: str) -> None:
    """One that was never filled, or is another one."""
    assert told in wrong({"EINMAL_ADMIN_TOKEN_FILE": a_file(tmp_path, content)})


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"a\0b", b"\xff\xfe\x00", b"user\tname"])
def test_a_file_of_several_lines_or_of_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Else the gateway would start with a key that opens nothing, and say so to callers only."""
    file = tmp_path / "file"
    file.write_bytes(content)
    assert "holds more than one line, or no text" in wrong({"EINMAL_ADMIN_TOKEN_FILE": str(file)})


@pytest.mark.parametrize("content", [f"{CANARY}\r\n", f"\ufeff{CANARY}\r\n", f"\n {CANARY} \n\n"])
def test_what_an_editor_adds_is_no_part_of_it(tmp_path: Path, content: str) -> None:
    """Ends of lines, as on Windows too, blanks around, and the mark that some begin a file with."""
    file = tmp_path / "file"
    file.write_bytes(content.encode())
    assert given({"EINMAL_ADMIN_TOKEN_FILE": str(file)}).environment["EINMAL_ADMIN_TOKEN"] == CANARY


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    """Nobody should have to guess which of them is in force; an empty one counts as not set."""
    path = a_file(tmp_path, CANARY)
    told = wrong({"EINMAL_ADMIN_TOKEN": CANARY, "EINMAL_ADMIN_TOKEN_FILE": path})
    assert "EINMAL_ADMIN_TOKEN_FILE: EINMAL_ADMIN_TOKEN is set as well; keep one of them" in told
    settings = read_settings(HOUSE | {"EINMAL_ADMIN_TOKEN": " ", "EINMAL_ADMIN_TOKEN_FILE": path})
    assert settings.admin_token is not None
    assert settings.admin_token.reveal() == CANARY
    settings = read_settings(HOUSE | {"EINMAL_ADMIN_TOKEN": CANARY, "EINMAL_ADMIN_TOKEN_FILE": ""})
    assert settings.admin_token is not None


def test_what_is_wrong_in_a_file_is_told_by_the_setting(tmp_path: Path) -> None:
    """As if it stood there: by name, with what is allowed."""
    assert "EINMAL_SLACK_URL: must be the https address" in wrong({"EINMAL_SLACK_URL_FILE": a_file(tmp_path, CANARY)})


def test_no_other_setting_has_a_file() -> None:
    """A port is no secret."""
    assert "EINMAL_PORT_FILE: there is no such setting" in wrong({"EINMAL_PORT_FILE": "/etc/hostname"})


@pytest.mark.parametrize(("mode", "seen"), [(0o644, True), (0o604, True), (0o640, False), (0o400, False)])
def test_a_file_that_everybody_may_read_is_served_and_said(tmp_path: Path, mode: int, *, seen: bool) -> None:
    """Only the operator knows who everybody is there."""
    path = a_file(tmp_path, CANARY, mode)
    settings = read_settings(HOUSE | {"EINMAL_ADMIN_TOKEN_FILE": path})
    assert settings.exposed == ((path,) if seen else ())


def test_a_setting_may_lie_sealed(tmp_path: Path) -> None:
    """Also in its file; and it is noted, so that a rotation finds it."""
    key = new_key()
    sealed = Keyring(read_keys(key)).seal(CANARY.encode(), "EINMAL_ADMIN_TOKEN")
    for way in ({"EINMAL_ADMIN_TOKEN": sealed}, {"EINMAL_ADMIN_TOKEN_FILE": a_file(tmp_path, sealed)}):
        settings = read_settings(HOUSE | {"EINMAL_SECRETS_KEY": key} | way)
        assert settings.admin_token is not None
        assert settings.admin_token.reveal() == CANARY
        assert [(one.place, one.text) for one in settings.sealed] == [("EINMAL_ADMIN_TOKEN", sealed)]


def test_a_seal_that_does_not_open_is_told_and_not_taken_for_the_value() -> None:
    """No key, another key, another setting's: a token that nobody knows would be in force."""
    key = new_key()
    sealed = Keyring(read_keys(key)).seal(CANARY.encode(), "EINMAL_ADMIN_TOKEN")
    assert "EINMAL_ADMIN_TOKEN: it is sealed with the key" in wrong({"EINMAL_ADMIN_TOKEN": sealed})
    another = {"EINMAL_SECRETS_KEY": new_key()}
    assert "EINMAL_ADMIN_TOKEN: it is sealed with the key" in wrong({"EINMAL_ADMIN_TOKEN": sealed} | another)
    assert "EINMAL_READER_TOKEN: it was changed, or sealed for another place" in wrong(
        {"EINMAL_READER_TOKEN": sealed, "EINMAL_SECRETS_KEY": key}
    )
    told = wrong({"EINMAL_SECRETS_KEY": sealed})
    assert "EINMAL_SECRETS_KEY: opens what is sealed, and so cannot be sealed itself" in told


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://u:{}@x@host/db", "postgresql://u:a/{}@host/db", "postgresql://u:{}?x@host/db"),
        *("postgresql://u:{}#x@host/db", "postgresql://u:a/b@{}@host/db"),
    ],
)
def test_a_password_that_would_be_taken_for_a_host_is_refused(url: str) -> None:
    """Where a driver read half of it as a host or a port, half of it would stand in the error."""
    told = wrong({"EINMAL_DATABASE_URL": url.format(CANARY)})
    assert "EINMAL_DATABASE_URL: " in told
    assert "%40" in told
