"""The commands as a new user runs them: real processes, real sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.canary import CANARY

WISH = {"datum": "2027-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
BODY = json.dumps({"call": {"call_id": "call_7d4d0c"}, "args": WISH})


def against(simulator: int, port: int, **more: str) -> dict[str, str]:
    """The settings of a gateway on `port` whose Cal.com is the simulator on the other."""
    return {
        "EINMAL_PORT": str(port),
        "EINMAL_CALCOM_API_KEY": "cal_test_key",
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{simulator}",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
    } | more


def command(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "einmal", *words],
        cwd=folder,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")}


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextmanager
def running(
    *words: str, folder: Path, until: str, stop_by: signal.Signals = signal.SIGINT, **environment: str
) -> Iterator[list[str]]:
    """A process that has said `until`; yields what it printed so far, and ends it as a person would."""
    complaints = (folder / "stderr").open("a")
    process = subprocess.Popen(
        [sys.executable, "-m", "einmal", *words],
        cwd=folder,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    )
    printed: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            if until in line and (until != "curl" or sum("curl" in one for one in printed) == 2):
                break
        else:
            pytest.fail((folder / "stderr").read_text() or "it ended without a word")
        yield printed
    finally:
        process.send_signal(stop_by)
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()
        complaints.close()
        CANARY.hear(f"`einmal {words[0]}`", (folder / "stderr").read_text())


@contextmanager
def killed(*words: str, folder: Path, until: str, **environment: str) -> Iterator[None]:
    """As `running`, and ended without a chance to tidy up."""
    process = subprocess.Popen(
        [sys.executable, "-m", "einmal", *words],
        cwd=folder,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if until in line:
            break
    yield
    process.kill()
    process.wait(30)
    process.stdout.close()


def ask(url: str, body: str | None = None) -> Any:
    data = None if body is None else body.encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:  # noqa: S310 - our own
        return json.loads(answer.read())


def test_serve_says_what_it_is_and_its_two_lines_book_once(tmp_path: Path) -> None:
    """What `make run` prints is what one really gets."""
    port = free_port()
    with running("serve", folder=tmp_path, until="curl", EINMAL_PORT=str(port)) as printed:
        text = "\n".join(printed)
        assert "NO CAL.COM KEY IS SET" in text
        assert "EINMAL_RETELL_API_KEY is not set" in text
        line = printed[-1].strip()
        url, body = re.search(r"(http\S+).*-d '(.*)'", line).groups()  # type: ignore[union-attr]
        first, second = ask(url, body), ask(url, body)
        assert first["status"] == "booked"
        assert first == second
        stranger = json.loads(body)
        stranger["call"]["call_id"] = "call_9f8e7d"
        stranger["args"]["name"] = "Anna Vogel"
        assert ask(url, json.dumps(stranger))["status"] == "slot_taken"
        assert ask(f"http://127.0.0.1:{port}/readyz") == {"status": "ready"}
        simulator = re.search(r"(http://127.0.0.1:\d+) and forgets", text)
        assert simulator is not None
        assert [row["title"] for row in ask(simulator[1] + "/v2/event-types")["data"]] == [
            "Beratung",
            "Haarschnitt",
            "Dauerwelle",
        ]
    assert list(tmp_path.iterdir()) == [tmp_path / "stderr"], "nothing is left behind"
    for log_line in (tmp_path / "stderr").read_text().splitlines():
        assert {"timestamp", "level", "channel", "message"} <= json.loads(log_line).keys()
        assert "Groß" not in log_line
        assert "Vogel" not in log_line


def test_serve_against_a_calendar_of_its_own_keeps_its_ledger(tmp_path: Path) -> None:
    """With a key it is the real thing: the ledger stays, and a restart tells the same."""
    simulator, port = free_port(), free_port()
    environment = against(simulator, port)
    url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        with running("serve", folder=tmp_path, until="Services", **environment) as printed:
            assert "NO CAL.COM KEY" not in "\n".join(printed)
            first = ask(url, BODY)
        with running("serve", folder=tmp_path, until="Services", **environment):
            assert ask(url, BODY) == first
    assert first["status"] == "booked"
    assert (tmp_path / "data" / "einmal.sqlite3").exists()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"EINMAL_PORT": "eighty"}, "EINMAL_PORT: must be a port number"),
        ({"EINMAL_GUARD_FRESHNES": "true"}, "did you mean EINMAL_GUARD_FRESHNESS"),
        ({"EINMAL_CALCOM_API_KEY": "cal_x"}, "EINMAL_ATTENDEE_FALLBACK_EMAIL: needed"),
    ],
)
def test_wrong_settings_are_said_and_exit_2(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    done = command("serve", folder=tmp_path, **environment)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_keeps_it_from_starting_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command("serve", folder=tmp_path, EINMAL_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 4
    assert "choose another with EINMAL_PORT" in done.stderr
    unreachable = {
        "EINMAL_PORT": str(free_port()),
        "EINMAL_CALCOM_API_KEY": "cal_x",
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
    }
    done = command("serve", folder=tmp_path, **unreachable)
    assert done.returncode == 4
    assert done.stderr.strip().endswith("Cal.com cannot be reached (connect)")
    (tmp_path / "no-ledger").write_text("this is no database, but it is long enough to look at")
    done = command("db", "version", folder=tmp_path, EINMAL_DATABASE_URL="sqlite:///no-ledger")
    assert done.returncode == 4
    assert "cannot be read as an SQLite database" in done.stderr


def test_the_demo_shows_what_it_claims(tmp_path: Path) -> None:
    done = command("demo", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✓") == 10
    assert "✗" not in done.stdout
    assert "stale_booking" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_layer_4_goes_down_and_up_again(tmp_path: Path) -> None:
    words = {"EINMAL_DATABASE_URL": "sqlite:///ledger.sqlite3"}
    assert "no ledger yet" in command("db", "version", folder=tmp_path, **words).stdout
    up = command("db", "upgrade", folder=tmp_path, **words)
    assert (up.returncode, up.stdout.count("layer 4 on")) == (0, 1)
    down = command("db", "downgrade", "layer4", folder=tmp_path, **words)
    assert (down.returncode, down.stdout.count("layer 4 OFF")) == (3, 1)
    assert command("db", "version", folder=tmp_path, **words).returncode == 3
    assert command("db", "upgrade", folder=tmp_path, **words).returncode == 0


def test_config_check_shows_no_secret(tmp_path: Path) -> None:
    done = command("config", "check", folder=tmp_path, EINMAL_ADMIN_TOKEN="hush", EINMAL_RETELL_API_KEY="key_hush")
    assert done.returncode == 0
    assert "hush" not in done.stdout + done.stderr
    assert "***" in done.stdout


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--help",), 0), (("nothing",), 2), (("--version",), 0)])
def test_help_and_usage(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    done = command(*words, folder=tmp_path)
    assert done.returncode == code
    assert "einmal" in done.stdout + done.stderr


def test_a_gateway_killed_after_the_post_comes_back_and_tells_the_truth(tmp_path: Path) -> None:
    """kill -9 between the POST and the second commit, on real sockets: recovered from Cal.com by our id."""
    simulator, port = free_port(), free_port()
    environment = against(simulator, port, EINMAL_REPLY_SECONDS="0.2", EINMAL_POST_SECONDS="1")
    url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
    words = ("simulator", "--port", str(simulator), "--latency", "2")
    with running(*words, folder=tmp_path, until="Simulated"):
        with killed("serve", folder=tmp_path, until="Services", **environment):
            # The simulator books at once and answers after two seconds; nobody is there any more by then.
            assert ask(url, BODY)["status"] == "in_doubt"
        told = command("intents", "list", "--json", folder=tmp_path, **environment)
        [intent] = json.loads(told.stdout)
        assert intent["state"] in {"sent", "doubt"}
        with running("serve", folder=tmp_path, until="Services", **environment):
            answer = {"status": "in_doubt"}
            for _ in range(60):
                # Each look at the list takes a process; the lease of the dead one ends six seconds after its POST.
                command("intents", "list", folder=tmp_path, **environment)
                answer = ask(url, BODY)
                if answer["status"] != "in_doubt":
                    break
            assert answer["status"] == "booked"
    shown = command("intents", "show", intent["intent"], folder=tmp_path, **environment)
    assert "confirmed" in shown.stdout
    assert "Groß" not in shown.stdout + told.stdout
    assert command("intents", "list", folder=tmp_path, **environment).stdout.strip() == "Nothing is unresolved."


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_is_in_flight(tmp_path: Path, how: signal.Signals) -> None:
    """A deploy is no crash: the POST under way is concluded, and the next start knows how it ended."""
    simulator, port = free_port(), free_port()
    environment = against(simulator, port, EINMAL_REPLY_SECONDS="0.2")
    url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
    words = ("simulator", "--port", str(simulator), "--latency", "1.5")
    with running(*words, folder=tmp_path, until="Simulated"):
        with running("serve", folder=tmp_path, until="Services", stop_by=how, **environment):
            assert ask(url, BODY)["status"] == "in_doubt"
        listed = command("intents", "list", "--all", "--json", folder=tmp_path, **environment)
        assert [intent["state"] for intent in json.loads(listed.stdout)] == ["confirmed"]


def test_a_temporary_ledger_goes_with_its_gateway(tmp_path: Path) -> None:
    """SIGTERM included: names and phones do not stay behind."""
    environment = {"EINMAL_PORT": str(free_port()), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    with running("serve", folder=tmp_path, until="curl", stop_by=signal.SIGTERM, **environment):
        assert list((tmp_path / "tmp").iterdir())
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_fault_plan_is_followed_and_a_lost_answer_found_again(tmp_path: Path) -> None:
    """The first booking's answer is lost on a real socket; the caller hears the truth, the calendar holds one."""
    simulator, port = free_port(), free_port()
    (tmp_path / "plan.toml").write_text('[[rule]]\nfault = "lost_answer"\noperation = "create"\nnth = [1]\n')
    environment = against(simulator, port)
    words = ("simulator", "--port", str(simulator), "--faults", "plan.toml")
    with (
        running(*words, folder=tmp_path, until="Simulated"),
        running("serve", folder=tmp_path, until="Services", **environment),
    ):
        assert ask(f"http://127.0.0.1:{port}/api/retell/collect-appointment", BODY)["status"] == "booked"
        assert '"kind":"lost"' in (tmp_path / "stderr").read_text()
        state = json.dumps(ask(f"http://127.0.0.1:{simulator}/control/bookings"))
        assert state.count('"einmal_op"') == 1


def test_a_plan_that_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('[[rule]]\nfault = "earthquake"\n')
    done = command("simulator", "--faults", "plan.toml", folder=tmp_path)
    assert done.returncode == 2
    assert "earthquake" in done.stderr
    assert "lost_answer" in done.stderr
