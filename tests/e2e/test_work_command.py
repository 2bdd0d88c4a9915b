"""`einmal work` by itself: with a door for probes and Prometheus where one is asked for, and without otherwise."""

import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from e2e.test_commands import against, free_port, running
from einmal.entrypoints.cli.main import main


def asked(port: int, path: str, token: str | None = None) -> tuple[int, str]:
    """The status and what was said."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        url = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own
            return 200, str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_it_can_be_asked_how_it_is_and_what_it_did(tmp_path: Path) -> None:
    """The same names as a gateway's, for whoever has the token; and nothing that takes a call."""
    simulator, port = free_port(), free_port()
    settings = against(simulator, free_port(), EINMAL_ADMIN_TOKEN="s3cret-token")
    with (
        running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"),
        running("work", "--port", str(port), folder=tmp_path, until="Recovering", **settings) as printed,
    ):
        assert f"http://127.0.0.1:{port}/metrics" in printed[-1]
        assert asked(port, "/readyz") == (200, '{"status":"ready"}')
        assert asked(port, "/healthz")[0] == 200
        assert [asked(port, "/metrics", wrong)[0] for wrong in (None, "another")] == [401, 401]
        status, text = asked(port, "/metrics", "s3cret-token")
        assert status == 200
        assert re.search(r"^einmal_ledger_readable 1.0$", text, re.MULTILINE)
        assert "einmal_doubts_settled_total" in text
        assert asked(port, "/api/retell/collect-appointment")[0] == 404


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(
    port: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in against(1, 1, EINMAL_DATABASE_URL=f"sqlite:///{tmp_path}/l.sqlite3").items():
        monkeypatch.setenv(name, value)
    assert main(["work", "--port", port]) == 2
    assert "--port must be from 1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before a ledger is made."""
    where = tmp_path / "l.sqlite3"
    for name, value in against(1, 1, EINMAL_DATABASE_URL=f"sqlite:///{where}").items():
        monkeypatch.setenv(name, value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["work", "--port", str(taken.getsockname()[1])]) == 4
    told = capsys.readouterr().err
    assert "cannot be listened on" in told
    assert "--port" in told
    assert not where.exists()
