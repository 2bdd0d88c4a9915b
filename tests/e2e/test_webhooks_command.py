"""`einmal webhooks` as an operator runs it: against a simulator, with nothing set, with what is wrong."""

import json
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.test_commands import against, command, free_port, running
from einmal.entrypoints.cli.webhooks import webhooks_check, webhooks_register
from einmal.settings import Settings, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import random_uid, recorded_event_types
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

SECRET = "5f0c-hush-hush"
GATEWAY = "http://127.0.0.1:8080"
HOUSE = """
[[tenants]]
id = "{id}"
name = "{id}"
house_email = "termin@salon.test"
calcom_base_url = "http://127.0.0.1:{port}"
calcom_api_key = {{ env = "{key}" }}
calcom_webhook_secret = {{ env = "{secret}" }}
agents = ["agent_{id}"]

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30
"""


def test_it_registers_checks_and_mends_against_a_simulator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing 1, made 0, right 0, wrong 1, mended 0, gone 4; the secret is in no word of it."""
    simulator = free_port()
    environment = against(simulator, free_port(), EINMAL_CALCOM_WEBHOOK_SECRET=SECRET)
    here, said = read_settings(environment), []

    def check(*, as_json: bool = False) -> tuple[int, str]:
        code = webhooks_check(here, None, None, as_json=as_json)
        told = capsys.readouterr()
        said.append(told.out + told.err)
        return code, told.out + told.err

    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        code, words = check()
        assert (code, "no webhook goes to a gateway" in words, "einmal webhooks register --url" in words) == (1, 1, 1)
        made = command("webhooks", "register", "--url", GATEWAY, folder=tmp_path, **environment)
        said.append(made.stdout + made.stderr)
        assert (made.returncode, "the account's own event types: made" in made.stdout) == (0, True), made.stderr
        assert "By hand: Beratung (101), Haarschnitt (102), Dauerwelle (103) are not this account's own" in made.stdout
        assert f"subscriber URL: {GATEWAY}/api/webhooks/calcom" in made.stdout
        code, words = check(as_json=True)
        (told,) = json.loads(words)
        assert (code, told["right"], told["subscriptions"][0]["state"]) == (0, True, "right")
        (webhook,) = asked(simulator, "GET", "/v2/webhooks")["data"]
        asked(simulator, "PATCH", f"/v2/webhooks/{webhook['id']}", {"active": False, "secret": "another"})
        code, words = check()
        assert (code, "WRONG" in words, "it is switched off" in words, "it has another secret" in words) == (1, 1, 1, 1)
        assert webhooks_register(here, f"{GATEWAY}/api/webhooks/calcom/", None, as_json=False) == 0
        assert "the account's own event types: mended" in capsys.readouterr().out
        assert len(asked(simulator, "GET", "/v2/webhooks")["data"]) == 1
    gone = command("webhooks", "check", folder=tmp_path, **environment)
    said.append(gone.stdout + gone.stderr)
    assert (gone.returncode, "einmal: Cal.com cannot be reached (connect)" in gone.stderr) == (4, True)
    assert SECRET not in "".join(said)


def asked(simulator: int, method: str, path: str, body: object = None) -> Any:
    sent = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{simulator}{path}", sent, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - its own simulator
        return json.loads(answer.read())


# In process: what is said of wrong settings and arguments


def settings(**more: str) -> Settings:
    return read_settings(against(9, 9, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET) | more)


def now() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


def a_calcom(**keys: str | None) -> InProcessTransport:
    """With these keys of these accounts, or any."""
    calendar = SimulatedCalendar(recorded_event_types(), now=now, new_uid=random_uid)
    return InProcessTransport(SimulatedCalcom(calendar, api_keys=keys or None, now=now))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "say where Cal.com reaches the gateway: --url https://gateway.example"),
        ("gateway.example", "--url must be an address such as https://example.org/einmal"),
        ("http://gateway.example", "--url must use https, except on loopback"),
        ("https://gateway.example/?x=1", "--url must be an address without a query"),
        ("https://u:p@gateway.example", "--url must be an address such as"),
    ],
)
def test_an_address_that_is_none(url: str | None, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what is allowed."""
    assert webhooks_register(settings(), url, None, as_json=False, transport=a_calcom()) == 2
    assert says in capsys.readouterr().err


def test_this_machine_is_not_reached_from_far_away(capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway on loopback hears only a Cal.com on loopback."""
    far = settings(EINMAL_CALCOM_BASE_URL="https://api.cal.com")
    assert webhooks_register(far, GATEWAY, None, as_json=False, transport=a_calcom()) == 2
    assert "https://api.cal.com cannot reach it; say the gateway's public address" in capsys.readouterr().err


def test_without_a_secret_it_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    """And where to put it."""
    bare = settings(EINMAL_CALCOM_WEBHOOK_SECRET="")
    for run in (webhooks_register, webhooks_check):
        assert run(bare, GATEWAY, None, as_json=False, transport=a_calcom()) == 2
        said = capsys.readouterr().err
        assert "`openssl rand -hex 32`" in said
        assert "EINMAL_CALCOM_WEBHOOK_SECRET" in said


def test_with_the_simulator_there_is_nothing_to_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as where anything else needs a key."""
    assert webhooks_check(read_settings({}), None, None, as_json=False) == 2
    assert "EINMAL_CALCOM_API_KEY is not set: bookings go to the built-in simulator" in capsys.readouterr().err


def test_a_refused_key_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 4; as JSON it stands in the account's own line."""
    wire = a_calcom(another=None)
    assert webhooks_register(settings(), GATEWAY, None, as_json=True, transport=wire) == 4
    told = capsys.readouterr()
    assert "Cal.com refuses the API key; check EINMAL_CALCOM_API_KEY" in told.err
    (account,) = json.loads(told.out)
    assert (account["right"], account["subscriptions"], "refuses" in account["error"]) == (None, [], True)


# Several tenants


def houses(folder: Path, *whose: tuple[str, str, str]) -> Settings:
    """Each with an id, and the variables of its key and its secret."""
    text = "".join(HOUSE.format(id=name, port=9, key=key, secret=secret) for name, key, secret in whose)
    path = folder / "houses.toml"
    path.write_text(text)
    values = {"KEY_A": "cal_a", "KEY_B": "cal_b", "HUSH_A": SECRET, "HUSH_B": "another-hush"}
    return read_settings(values | {"EINMAL_CONFIG": str(path)})


def test_each_account_is_asked_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two houses of one account share a webhook; --tenant names an account by either."""
    three = houses(tmp_path, ("nord", "KEY_A", "HUSH_A"), ("sued", "KEY_A", "HUSH_A"), ("west", "KEY_B", "HUSH_B"))
    wire = a_calcom(cal_a="u-plain", cal_b="u-confirm")
    assert webhooks_register(three, GATEWAY, None, as_json=True, transport=wire) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["tenants"] for one in told] == [["nord", "sued"], ["west"]]
    assert webhooks_check(three, GATEWAY, "sued", as_json=True, transport=wire) == 0
    assert [one["tenants"] for one in json.loads(capsys.readouterr().out)] == [["nord", "sued"]]
    assert webhooks_check(three, GATEWAY, "ost", as_json=False, transport=wire) == 2
    assert "there is no tenant 'ost'; there are nord, sued, west" in capsys.readouterr().err


def test_one_account_has_one_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each run would undo the other's."""
    two = houses(tmp_path, ("nord", "KEY_A", "HUSH_A"), ("sued", "KEY_A", "HUSH_B"))
    assert webhooks_register(two, GATEWAY, None, as_json=False, transport=a_calcom()) == 2
    said = capsys.readouterr().err
    assert "nord, sued share one Cal.com account" in said
    assert "hush" not in said


def test_one_that_cannot_be_asked_keeps_no_other_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 4, and the other's is made."""
    two = houses(tmp_path, ("nord", "KEY_A", "HUSH_A"), ("west", "KEY_B", "HUSH_B"))
    assert webhooks_register(two, GATEWAY, None, as_json=False, transport=a_calcom(cal_b="u-confirm")) == 4
    told = capsys.readouterr()
    assert "could not be asked" in told.out
    assert "the account's own event types: made" in told.out
    assert "einmal: nord: Cal.com refuses the API key" in told.err
