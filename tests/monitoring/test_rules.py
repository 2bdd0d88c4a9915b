"""The alerts: each is raised when it should be, after as long as it should be, and not when it should not."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from einmal.adapters.telemetry.metrics import Metrics
from einmal.domain.gate import GatePolicy
from einmal.ports.overview import Figures

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
sys.path.insert(0, str(MONITORING))

import write  # noqa: E402
from alerts import ALERTS, JOB, Alert  # noqa: E402
from rules import TOKEN_FILE, alertmanager, expression, prometheus, rule, rules  # noqa: E402
from yaml_text import written  # noqa: E402

REJECTED = "einmal_duplicate_booking_rejections_total"
BOOKED = 'einmal_appointments_created_total{instance="a"}'
HOOKS = 'einmal_webhooks_total{source="calcom",outcome="received"}'
STALE = REJECTED + '{layer="layer1",reason="stale_booking",instance="%s"}'
LAST = REJECTED + '{layer="layer4",reason="constraint_violation",instance="%s"}'
UP = f'up{{job="{JOB}",instance="%s"}}'
RATE = 'einmal_duplicate_prevention_rate{instance="%s"}'

Series = Mapping[str, str]
EVERY_SECONDS = 30
"""Between two samples: `0+1x20` is ten minutes."""


@dataclass(frozen=True)
class Case:
    """What raises it at `at`, what does not, and which labels it carries beside its severity.

    `unseen`: its labels where nothing of ours is to be seen at all, for what is raised by that as well.
    """

    raised: Series
    quiet: Sequence[Series]
    at: str = "20m"
    labels: Mapping[str, str] = field(default_factory=dict)
    unseen: Mapping[str, str] | None = None


CASES: Mapping[str, Case] = {
    # Two gateways read one ledger: what each of them says is not added up.
    "HighDuplicateRejectionRate": Case({RATE % "a": "11x60"}, [{RATE % "a": "10x60", RATE % "b": "10x60"}]),
    # Once in ten minutes is enough, and what lies back longer than five minutes is over.
    "DatabaseConstraintViolation": Case(
        {LAST % "a": "3x60", LAST % "b": "0x34 1x20"}, [{STALE % "a": "0+1x60", LAST % "a": "0x20 1x40"}]
    ),
    # Five in five minutes are not more than five; of two gateways each they are ten.
    "StaleBookingSpike": Case({STALE % "a": "0+0.5x60", STALE % "b": "0+0.5x60"}, [{STALE % "a": "0+0.5x60"}]),
    "NoBookingsProcessed": Case(
        {BOOKED: "7x240", STALE % "a": "1x240"},
        [{BOOKED: "7x100 8x140", STALE % "a": "1x240"}, {BOOKED: "7x240", STALE % "a": "1x100 2x140"}],
        at="95m",
    ),
    "ManyDuplicateRejections": Case({STALE % "a": "0x2 6x60", LAST % "b": "0x2 5x60"}, [{STALE % "a": "0x2 9x60"}]),
    "GuardLayerOff": Case(
        {'einmal_guard_layer_off{layer="ledger"}': "0x60", 'einmal_guard_layer_off{layer="identity"}': "1x60"},
        [{'einmal_guard_layer_off{layer="ledger"}': "0x60"}],
    ),
    "DoubtTooOld": Case({"einmal_oldest_doubt_seconds": "121x60"}, [{"einmal_oldest_doubt_seconds": "120x60"}]),
    "PersonMustRule": Case(
        {'einmal_intents_unresolved{state="escalated"}': "1x60"},
        [{'einmal_intents_unresolved{state="escalated"}': "0x60", 'einmal_intents_unresolved{state="doubt"}': "5x60"}],
    ),
    "NewsNotDelivered": Case(
        {"einmal_oldest_message_seconds": "901x60"}, [{"einmal_oldest_message_seconds": "900x60"}]
    ),
    "GhostOrOrphan": Case(
        {'einmal_drifts_open{kind="orphan"}': "1x60"},
        [{'einmal_drifts_open{kind="ghost"}': "0x60", 'einmal_drifts_open{kind="person_twice"}': "4x60"}],
    ),
    # Open for half a minute, tried, and open again. Once, long ago, is over.
    "BreakerOpen": Case(
        {"einmal_calendar_breakers_open": "1 0 0 " * 20}, [{"einmal_calendar_breakers_open": "1x10 0x50"}]
    ),
    "LedgerNotReadable": Case(
        {'einmal_ledger_readable{instance="a"}': "1x60", 'einmal_ledger_readable{instance="b"}': "0x60"},
        [{'einmal_ledger_readable{instance="a"}': "1x60"}],
        labels={"instance": "b"},
    ),
    # They came and stopped. Where they never came, or still come, or nobody books, nothing is amiss.
    "NoWebhooks": Case(
        {BOOKED: "0+0.05x900", HOOKS: "0+1x20 20x900"},
        [
            {BOOKED: "0+0.05x900", HOOKS: "0x900"},
            {BOOKED: "0+0.05x900", HOOKS: "0+0.01x900"},
            {BOOKED: "2x900", HOOKS: "0+1x20 20x900"},
        ],
        at="7h",
    ),
    "GatewayDown": Case(
        {UP % "a": "1x60", UP % "b": "0x60"},
        [{UP % "a": "1x60"}],
        labels={"job": JOB, "instance": "b"},
        unseen={"job": JOB},
    ),
}


def test_each_alert_is_tried() -> None:
    assert list(CASES) == [alert.name for alert in ALERTS]


def test_the_four_of_old_have_their_numbers() -> None:
    """Conditions, durations, severities: whoever had these alerts before has the same ones now."""
    seed = {one["alert"]: one for group in rules("api_gateway")["groups"] for one in group["rules"]}
    total = "api_gateway_duplicate_booking_rejections_total"
    made = "api_gateway_appointments_created_total"
    assert [(one["expr"], one["for"], one["labels"]["severity"]) for one in list(seed.values())[:4]] == [
        ("max(api_gateway_duplicate_prevention_rate) > 10", "10m", "warning"),
        (f'sum(increase({total}{{layer="layer4"}}[5m])) > 0', "1m", "critical"),
        (f'sum(increase({total}{{reason="stale_booking"}}[5m])) > 5', "5m", "warning"),
        (f"sum(rate({total}[1h])) == 0 and sum(rate({made}[1h])) == 0", "30m", "warning"),
    ]


def test_the_files_are_what_the_code_makes() -> None:
    """`make docs` writes them anew."""
    for name, text in write.files().items():
        assert (MONITORING / name).read_text("utf-8") == text, name


def test_each_alert_has_a_page_of_the_runbook() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)
    }
    for alert in ALERTS:
        page, _, anchor = alert.runbook.partition("#")
        assert page == "docs/operating.md"
        assert anchor in anchors, alert.name


SELECTOR = re.compile(r"\b(einmal_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_what_it_looks_at_exists(alert: Alert) -> None:
    """Name, label, value: a gateway that has just begun shows a series for each."""
    scraped = Metrics("einmal", [], {}).scraped(Figures(), datetime(2026, 11, 23, 9, 0, tzinfo=UTC), GatePolicy())
    samples = [one for family in text_string_to_metric_families(scraped.decode()) for one in family.samples]
    for name, matchers in SELECTOR.findall(expression(alert)):
        wanted = MATCHER.findall(matchers)
        for label, _, values in wanted:
            for value in values.split("|"):
                assert any(one.name == name and one.labels.get(label) == value for one in samples), (name, label, value)
        assert any(one.name == name for one in samples), name


def test_promtool_tries_them_all(tmp_path: Path) -> None:
    """Raised, not raised a moment too early, and quiet when nothing is amiss. Each by itself, for all is slow."""
    for alert in ALERTS:
        alone = {"groups": [{"name": alert.name, "rules": [rule(alert)]}]}
        (tmp_path / f"{alert.name}.rules").write_text(written(alone), "utf-8")
        tests = {"rule_files": [f"{alert.name}.rules"], "evaluation_interval": f"{EVERY_SECONDS}s"}
        tried = tests | {"tests": _tests(alert, CASES[alert.name])}
        (tmp_path / f"{alert.name}.tests").write_text(json.dumps(tried), "utf-8")
    done = _run("promtool", "test", "rules", *(f"{alert.name}.tests" for alert in ALERTS), folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.count("SUCCESS") == len(ALERTS)


def _tests(alert: Alert, case: Case) -> list[object]:
    severity, said = {"severity": alert.severity.value}, rule(alert)["annotations"]
    firing = {"exp_labels": severity | case.labels, "exp_annotations": said}
    alone = [] if case.unseen is None else [{"exp_labels": severity | case.unseen, "exp_annotations": said}]
    early = f"{alert.lasting_seconds - EVERY_SECONDS}s"
    return [
        _test(alert, case.raised, {early: [], case.at: [firing]}),
        _test(alert, {"another": "1x1000"}, {case.at: alone}),
        *(_test(alert, series, {case.at: []}) for series in case.quiet),
    ]


def _test(alert: Alert, series: Series, expected: Mapping[str, Sequence[object]]) -> object:
    return {
        "interval": f"{EVERY_SECONDS}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": alert.name, "exp_alerts": list(alerts)} for at, alerts in expected.items()
        ],
    }


def test_a_wrong_expectation_is_told(tmp_path: Path) -> None:
    """The control: promtool does not say yes to everything."""
    (tmp_path / "rules.yml").write_text(written(rules()), "utf-8")
    alert = ALERTS[0]
    wrong = _test(alert, CASES[alert.name].raised, {"20m": []})
    (tmp_path / "tests.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [wrong]}), "utf-8")
    assert _run("promtool", "test", "rules", "tests.yml", folder=tmp_path).returncode == 1


@pytest.mark.parametrize("time_scale", [1.0, 1 / 60])
def test_prometheus_takes_its_files(tmp_path: Path, time_scale: float) -> None:
    (tmp_path / TOKEN_FILE).write_text("any")
    (tmp_path / "prometheus.yml").write_text(written(prometheus(every_seconds=15 * time_scale)), "utf-8")
    (tmp_path / "rules.yml").write_text(written(rules(time_scale=time_scale)), "utf-8")
    done = _run("promtool", "check", "config", "--lint-fatal", "prometheus.yml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


@pytest.mark.parametrize("time_scale", [1.0, 1 / 60])
def test_alertmanager_takes_its_file(tmp_path: Path, time_scale: float) -> None:
    (tmp_path / "alertmanager.yml").write_text(written(alertmanager(time_scale=time_scale)), "utf-8")
    done = _run("amtool", "check-config", "alertmanager.yml", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_nothing_secret_stands_in_a_file() -> None:
    """Token and Slack's address stand in files of their own."""
    text = "".join(write.files().values())
    assert "http" not in text
    assert "credentials:" not in text


def _run(program: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which(program)
    assert found is not None, f"{program} is missing: make prometheus"
    return subprocess.run([found, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
