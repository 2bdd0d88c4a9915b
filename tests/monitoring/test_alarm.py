"""An alarm as it really comes about: a gateway is fed, Prometheus sees it, Alertmanager tells Slack, and it ends.

The programs are real, the rules are those of monitoring/ sixty times as fast; only Slack is our own.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from e2e.test_commands import against, ask, free_port, running

MONITORING = Path(__file__).parents[2] / "monitoring"
sys.path.insert(0, str(MONITORING))

from rules import TOKEN_FILE, alertmanager, prometheus, rules  # noqa: E402
from yaml_text import written  # noqa: E402

SCALE = 1 / 60
TOKEN = "hush-token"
STRANGERS = '[[rule]]\nfault = "foreign_booking"\noperation = "create"\n'
PATIENCE_SECONDS = 50


class FakeSlack:
    """Takes what is posted to it."""

    def __init__(self) -> None:
        told: list[dict[str, Any]] = []

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._told = told
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)

    def about(self, title: str, colour: str) -> list[dict[str, Any]]:
        """Messages so titled: "danger" for what is so, "good" for what is over."""
        return [
            message
            for message in list(self._told)
            for shown in message["attachments"]
            if (shown["title"], shown["color"]) == (title, colour)
        ]

    @contextmanager
    def listening(self) -> Iterator[str]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.server.server_port}/hook"
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@contextmanager
def program(name: str, *words: str, folder: Path, ready: str) -> Iterator[None]:
    """Runs until it is left, and has answered `ready` before it is handed on."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: make prometheus"
    said = folder / f"{name}.log"
    with said.open("w") as log:
        process = subprocess.Popen([found, *words], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            until(lambda: process.poll() is None and _answers(ready), said.read_text)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def until(so: Callable[[], object], told: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not so():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come: {told()}")
        time.sleep(0.1)


@contextmanager
def watched(folder: Path, gateway: int, slack_url: str) -> Iterator[str]:
    """Prometheus and Alertmanager, with the address of the former."""
    seer, teller = free_port(), free_port()
    (folder / TOKEN_FILE).write_text(TOKEN)
    (folder / "slack-url").write_text(slack_url)
    scraping = prometheus([f"127.0.0.1:{gateway}"], [f"127.0.0.1:{teller}"], every_seconds=1, workers=())
    (folder / "prometheus.yml").write_text(written(scraping), "utf-8")
    (folder / "rules.yml").write_text(written(rules(time_scale=SCALE)), "utf-8")
    (folder / "alertmanager.yml").write_text(written(alertmanager(str(folder / "slack-url"), SCALE)), "utf-8")
    teller_words = (
        *("--config.file=alertmanager.yml", "--storage.path=told", "--cluster.listen-address="),
        f"--web.listen-address=127.0.0.1:{teller}",
    )
    seer_words = (
        *("--config.file=prometheus.yml", "--storage.tsdb.path=seen", "--rules.alert.resend-delay=1s"),
        f"--web.listen-address=127.0.0.1:{seer}",
    )
    with (
        program("prometheus-alertmanager", *teller_words, folder=folder, ready=f"http://127.0.0.1:{teller}/-/ready"),
        program("prometheus", *seer_words, folder=folder, ready=f"http://127.0.0.1:{seer}/-/ready"),
    ):
        yield f"http://127.0.0.1:{seer}"


class Callers:
    """Others each time, so that every call makes a booking of its own."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
        self._numbers = count(100)

    def call(self) -> str:
        number = next(self._numbers)
        day, hour = 1 + number % 20, 8 + number // 20 % 9
        args = {"datum": f"2027-12-{day:02}", "uhrzeit": f"{hour}:00", "dienstleistung": "Beratung"}
        call = {"call_id": f"call_{number}", "from_number": f"+4930901820{number}"}
        body = {"call": call, "args": args | {"name": f"Anna Weiß {'abcdefghij'[number % 10]}"}}
        return str(ask(self._url, json.dumps(body))["status"])


def test_stale_bookings_are_heard_of_in_slack_until_they_end(tmp_path: Path) -> None:
    """The calendar answers with a stranger's old booking; callers are told the truth, and so is the operator."""
    simulator, port, slack = free_port(), free_port(), FakeSlack()
    environment = against(
        *(simulator, port),
        EINMAL_ADMIN_TOKEN=TOKEN,
        EINMAL_CALCOM_RATE_PER_MINUTE="0",
        EINMAL_GUARD_FRESHNESS_SECONDS="0.5",
    )
    title, said = "WARNING: StaleBookingSpike", set[str]()
    with (
        slack.listening() as slack_url,
        running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"),
        running("serve", folder=tmp_path, until="Services", **environment),
        watched(tmp_path, port, slack_url) as prometheus_url,
    ):
        callers = Callers(port)
        assert callers.call() == "booked"
        until(lambda: _value(prometheus_url, "sum(einmal_appointments_created_total)") == 1, lambda: "not scraped")
        assert slack.about(title, "danger") == [], "the control: nothing is amiss yet"
        _disturb(simulator, STRANGERS)

        def fed() -> object:
            said.add(callers.call())
            return slack.about(title, "danger")

        until(fed, lambda: (said, (tmp_path / "prometheus.log").read_text()[-2000:]))
        assert "slot_taken" in said
        assert "booked" not in said
        assert slack.about(title, "good") == []
        _disturb(simulator, "")
        until(
            lambda: slack.about(title, "good"), lambda: (tmp_path / "prometheus-alertmanager.log").read_text()[-2000:]
        )
        assert callers.call() == "booked"
        _every_panel_is_answered(prometheus_url)
    message = slack.about(title, "danger")[0]
    assert message["channel"] == "#api-alerts"
    (shown,) = message["attachments"]
    assert "What callers hear now: " in shown["text"]
    assert shown["footer"] == "docs/operating.md#stalebookingspike"


NEVER_HAPPENED = ("einmal_changes_total", "einmal_alarms_total")
"""Nobody cancelled, and nothing broke."""


def _every_panel_is_answered(prometheus_url: str) -> None:
    """Each query of each dashboard is understood, and finds what has happened here."""
    asked = 0
    for page in sorted((MONITORING / "grafana").glob("*.json")):
        for panel in json.loads(page.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "5m")
                found = ask(f"{prometheus_url}/api/v1/query?query={quote(query)}")
                assert found["status"] == "success", query
                expected = not any(name in query for name in NEVER_HAPPENED)
                assert bool(found["data"]["result"]) is expected, query
                asked += 1
    assert asked > 20


def _disturb(simulator: int, plan: str) -> None:
    url = f"http://127.0.0.1:{simulator}/control/faults"
    request = urllib.request.Request(url, plan.encode() or None, method="POST" if plan else "DELETE")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
        assert answer.status == 200


def _value(url: str, query: str) -> float | None:
    found = ask(f"{url}/api/v1/query?query={quote(query)}")["data"]["result"]
    return float(found[0]["value"][1]) if found else None
