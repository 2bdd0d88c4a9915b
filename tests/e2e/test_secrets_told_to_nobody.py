"""Every setting that is a secret, with a value that would be known again, through processes that run, fail and crash.

What they print, log, serve and are called by is read as a whole. The settings are enumerated: a new secret is in here
before anybody thinks of it.
"""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from e2e.test_commands import clean_environment, free_port, running
from einmal.entrypoints.cli.main import main
from einmal.sealed import Keyring, new_key, read_keys
from einmal.settings.given import secret_settings
from support.sql import SqlBase, as_role, postgres_base

WORD: Final = "kn7q2zr8w"
"""Begins each of them. Nothing else is called so."""


def word(variable: str) -> str:
    return f"{WORD}-{variable.removeprefix('EINMAL_').lower().replace('_', '-')}-0123456789abcdef"


KEY: Final = new_key()
SIGNING: Final = base64.b64encode(f"{word('EINMAL_NOTIFY_SECRET')}-of-32-bytes-or-more".encode()).decode()
HASH: Final = f"{WORD}0123456789abcdef".ljust(43, "A")


def values(database: str) -> dict[str, str]:
    """Each secret setting as it has to be written; one without a form of its own is its word."""
    own = {
        "EINMAL_DATABASE_URL": database.replace("//einmal_app@", f"//einmal_app:{word('EINMAL_DATABASE_URL')}@"),
        "EINMAL_API_KEYS": f"website:read+book:{word('EINMAL_API_KEYS')}",
        "EINMAL_NOTIFY_SECRET": f"whsec_{SIGNING}",
        "EINMAL_SLACK_URL": f"https://127.0.0.1:1/services/{word('EINMAL_SLACK_URL')}",
        "EINMAL_SMTP_URL": f"smtps://user:{word('EINMAL_SMTP_URL')}@127.0.0.1:1",
        "EINMAL_SECRETS_KEY": KEY,
    }
    hashed = {
        name: f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ${HASH}" for name in secret_settings() if "PASSW" in name
    }
    return {name: (own | hashed).get(name, word(name)) for name in secret_settings()}


def in_base64(text: str) -> Iterator[str]:
    """Its middle as it looks in base64, wherever in the whole it began."""
    for before in range(3):
        yield base64.b64encode(b"." * before + text.encode() + b"." * (-(before + len(text)) % 3)).decode()[4:-4]


NEEDLES: Final = (WORD, SIGNING[:12], HASH[:12], KEY)
LOOKED_FOR: Final = {form: needle for needle in NEEDLES for form in (needle, *in_base64(needle))}


def told(text: str) -> list[str]:
    """The secrets that stand there, as they are, in a URL or in base64."""
    plain = text + urllib.parse.unquote(text)
    return sorted({needle for form, needle in LOOKED_FOR.items() if form in plain})


@contextmanager
def listening(folder: Path, *words: str, until: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A process under Python's development mode, whose complaints say more; what it printed is in `said`."""
    with (folder / "said").open("a") as said:
        process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-X", "faulthandler", "-W", "ignore", "-m", "einmal", *words],
            cwd=folder,
            env=clean_environment() | environment,
            stdout=said,
            stderr=said,
            text=True,
        )
        try:
            for _ in range(600):
                if until in (folder / "said").read_text() or process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                pytest.fail(f"it never said {until}")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)


def ended(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """The code of a process and all that it said."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "einmal", *words],
        cwd=folder,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


IN_TURN: Final = """
import json, os, sys
from einmal.entrypoints.cli.main import main
for words, more in json.load(sys.stdin):
    os.environ.update(more)
    print("\\n== code", main(words), flush=True)
"""


def ended_in_turn(
    folder: Path, runs: Sequence[tuple[Sequence[str], Mapping[str, str]]], **environment: str
) -> list[tuple[int, str]]:
    """The same of several commands, one after the other in one process: most of a short one's time is its imports."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_TURN],
        input=json.dumps(runs),
        cwd=folder,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    *said, rest = re.split(r"(?m)^== code (\d+)\n", done.stdout)
    assert (done.returncode, rest, len(said)) == (0, "", 2 * len(runs)), done.stdout
    return [(int(code), text) for text, code in zip(said[::2], said[1::2], strict=True)]


def asked(url: str, body: str | None = None, **headers: str) -> str:
    """Whatever is answered, with its headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wanted = urllib.request.Request(url, None if body is None else body.encode(), named)  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(wanted, timeout=30) as answer:  # noqa: S310 - our own
            return f"{answer.headers}{answer.read(300_000).decode()}"
    except urllib.error.HTTPError as refused:
        with refused:
            return f"{refused.headers}{refused.read().decode()}"


@pytest.fixture
def base(tmp_path: Path) -> Iterator[SqlBase]:
    with postgres_base(tmp_path) as made:
        yield made


@pytest.fixture
def settings(base: SqlBase) -> dict[str, str]:
    """All of them, for a gateway on loopback that nobody else uses."""
    assert isinstance(base.where, str)
    return values(as_role(base.where, "einmal_app")) | {
        "EINMAL_PORT": str(free_port()),
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        "EINMAL_NOTIFY_URL": "https://127.0.0.1:1/news",
        "EINMAL_MAIL_FROM": "a@salon.test",
        "EINMAL_MAIL_TO": "b@salon.test",
        "EINMAL_TWILIO_ACCOUNT": f"AC{'0' * 32}",
        "EINMAL_TWILIO_FROM": "+4930901820",
    }


def pages(port: int) -> Iterator[str]:
    """What a gateway answers to those who may, to those who may not, and to rubbish."""
    vapi = word("EINMAL_VAPI_SECRET")
    here, token = f"http://127.0.0.1:{port}", word("EINMAL_ADMIN_TOKEN")
    wish = json.dumps({"name": "book_appointment", "call": {"call_id": "call_7d4d0c"}, "args": {"datum": "morgen"}})
    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/calls",
        "/sign-in",
        "/openapi.json",
        "/v1/bookings",
        "/none",
    ):
        yield asked(f"{here}{path}")
        yield asked(f"{here}{path}", Authorization=f"Bearer {token}")
        yield asked(f"{here}{path}", Authorization="Bearer wrong")
    for path in ("/api/retell/function-call", "/api/vapi/tool-calls", "/api/webhooks/calcom", "/v1/bookings", "/mcp"):
        for body in (wish, "{", "[]", "\x00"):
            yield asked(f"{here}{path}", body, Content_Type="application/json")
            yield asked(f"{here}{path}", body, Content_Type="application/json", X_Vapi_Secret=vapi)
            yield asked(f"{here}{path}", body, X_Retell_Signature="v=1,d=00", Authorization=f"Bearer {token}")


def command_line(process: "subprocess.Popen[str]") -> str:
    """As `ps` shows it."""
    return Path(f"/proc/{process.pid}/cmdline").read_text()


def test_a_gateway_that_runs_tells_none(tmp_path: Path, settings: dict[str, str]) -> None:
    """Its pages, metrics, errors, logs and command line; and what it leaves when it is aborted in the middle."""
    simulator, port = int(settings["EINMAL_CALCOM_BASE_URL"].rpartition(":")[2]), int(settings["EINMAL_PORT"])
    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        with listening(tmp_path, "serve", until="listening on", **settings) as process:
            said = (tmp_path / "said").read_text()
            assert "Einmal is listening" in said, said
            shown = [*pages(port), command_line(process)]
            process.send_signal(signal.SIGABRT)
            process.wait(60)
        with listening(tmp_path, "work", "--port", str(free_port()), until="Recovering", **settings) as process:
            shown.append(command_line(process))
        ran = ended_in_turn(tmp_path, [(words, {}) for words in COMMANDS], **settings)
    said = (tmp_path / "said").read_text()
    assert "Fatal Python error: Aborted" in said
    assert "Recovering" in said
    for text in (*shown, said, *(text for _, text in ran)):
        assert told(text) == [], text[:2000]
    assert [code for code, _ in ran] == [0] * len(COMMANDS), ran


COMMANDS: Final = (
    ("config", "check"),
    ("config", "check", "--json"),
    ("db", "version"),
    ("intents", "list"),
    ("callbacks", "list"),
    ("report",),
    ("secrets", "rotate"),
    ("tools", "retell", "--url", "https://gateway.example"),
)

BROKEN: Final = ("{} {}", "{}\n{}", "{}@{}", "ftp://{}", "{}:{}:{}", ",{}", "sealed:v1:{}")


@pytest.mark.parametrize("variable", secret_settings())
def test_a_secret_that_is_wrong_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """However it is broken, whatever is said of it; as the value, as a file's name, in a file, and both at once."""
    file = tmp_path / "file"
    file.write_text(word(variable))
    by_file = f"{variable}_FILE"
    ways = [{variable: form.format(*[word(variable)] * 3)} for form in BROKEN]
    ways += [{by_file: word(variable)}, {by_file: str(file)}, {variable: word(variable), by_file: str(file)}]
    for name in clean_environment().keys() ^ os.environ.keys():
        monkeypatch.delenv(name)
    for way in ways:
        with monkeypatch.context() as context:
            for name, value in way.items():
                context.setenv(name, value)
            code = main(["config", "check"])
        said = capsys.readouterr()
        assert told(said.out + said.err) == [], way
    assert code == 2
    assert f"{by_file}: {variable} is set as well" in said.err


def test_a_gateway_that_cannot_start_tells_none(tmp_path: Path, settings: dict[str, str]) -> None:
    """No such server, no such port, no such database: each says where it looked, and not with which password."""
    secret = word("EINMAL_DATABASE_URL")
    urls = [
        f"postgresql://u:{secret}@127.0.0.1:1/db",
        f"postgresql://u:{secret}@127.0.0.1:99999/db",
        settings["EINMAL_DATABASE_URL"].rpartition("/")[0] + "/no_such_database",
    ]
    commands = ("serve", "work", "db version", "report", "invariants")
    runs = [(command.split(), {"EINMAL_DATABASE_URL": url}) for url in urls for command in commands]
    for (words, more), (code, text) in zip(runs, ended_in_turn(tmp_path, runs, **settings), strict=True):
        there = more["EINMAL_DATABASE_URL"] == urls[-1]
        assert code in ({4} if there else {2, 4}), (words, text)
        assert ("einmal_app:***@" in text) is there, (words, text)
        assert told(text) == [], (words, text)


def test_a_wrong_key_is_said_at_the_start_and_books_nothing(
    tmp_path: Path, base: SqlBase, settings: dict[str, str]
) -> None:
    """The ledger's hash key lies sealed with another: serve and work end with a sentence, and nothing is written."""
    ring = Keyring(read_keys(new_key()))
    sealed = ring.seal(b"x" * 32, "ledger/default/hash_key")
    base.run(
        "INSERT INTO tenants (tenant_id, name, hash_key_sealed, created_at) "  # noqa: S608 - the test's own
        f"VALUES ('default', 'default', '{sealed}', '2026-01-01T00:00:00.000Z')"
    )
    before = base.run("SELECT * FROM tenants")
    simulator = settings["EINMAL_CALCOM_BASE_URL"].rpartition(":")[2]
    with running("simulator", "--port", simulator, folder=tmp_path, until="Simulated"):
        for command in ("serve", "work"):
            code, text = ended(tmp_path, command, **settings)
            assert code == 4, text
            assert f"does not open: it is sealed with the key {ring.first}, and EINMAL_SECRETS_KEY has" in text
            assert "Traceback" not in text
            assert told(text) == [], text
    assert base.run("SELECT * FROM tenants") == before


def test_the_search_would_find_one(settings: dict[str, str]) -> None:
    """Control: a program that prints its settings is caught, with each of them and in each form."""
    done = subprocess.run(
        [sys.executable, "-c", "import os; print({n: v for n, v in os.environ.items() if n.startswith('EINMAL_')})"],
        env=clean_environment() | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(told(done.stdout)) == set(NEEDLES)
    for variable in secret_settings():
        value = settings[variable]
        assert told(value), variable
        assert told(urllib.parse.quote(value, safe="")), variable
        for before in ("", "u", "us", "user:"):
            assert told(base64.b64encode(f"{before}{value}".encode()).decode()), variable
    assert told("an ordinary line with a 7d4d0c and nothing else") == []
