"""What Prometheus and Alertmanager are told, as data. Where a file would lie, it lies beside the file that names it.

With `time_scale` 1/60 everything that takes a minute takes a second.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from alerts import GUARD, JOB, MACHINERY, PROMISES, WORKERS, Alert
from yaml_text import Value

TOKEN_FILE: Final = "einmal-admin-token"  # noqa: S105 - the name of a file
SLACK_FILE: Final = "/etc/prometheus/einmal-slack-url"


def rules(namespace: str = "einmal", time_scale: float = 1.0) -> dict[str, Value]:
    """The alerts, for gateways with that metrics_namespace."""
    groups = {"einmal_guard": GUARD, "einmal_promises": PROMISES, "einmal_machinery": MACHINERY}
    return {
        "groups": [
            {"name": name, "rules": [rule(alert, namespace, time_scale) for alert in alerts]}
            for name, alerts in groups.items()
        ]
    }


def rule(alert: Alert, namespace: str = "einmal", time_scale: float = 1.0) -> dict[str, Value]:
    return {
        "alert": alert.name,
        "expr": expression(alert, namespace, time_scale),
        "for": duration(alert.lasting_seconds * time_scale),
        "labels": {"severity": alert.severity.value},
        "annotations": {
            "summary": alert.summary,
            "description": f"{alert.summary} What callers hear now: {alert.heard}",
            "runbook": alert.runbook,
        },
    }


def expression(alert: Alert, namespace: str = "einmal", time_scale: float = 1.0) -> str:
    """In PromQL. `[300]` is a window of so many seconds, `<120>` an age of so many."""
    text = alert.expression.format(ns=namespace)
    text = re.sub(r"\[(\d+)\]", lambda found: f"[{duration(int(found[1]) * time_scale)}]", text)
    return re.sub(r"<(\d+)>", lambda found: f"{int(found[1]) * time_scale:g}", text)


def duration(seconds: float) -> str:
    """As Prometheus writes it: 300 is "5m"."""
    milliseconds = max(1, round(seconds * 1000))
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"


def prometheus(
    targets: Sequence[str] = ("127.0.0.1:8080",),
    alertmanagers: Sequence[str] = ("127.0.0.1:9093",),
    every_seconds: float = 15,
    workers: Sequence[str] = ("127.0.0.1:8081",),
) -> dict[str, Value]:
    """Which gateways and workers are asked, how often, and who is told."""
    every = duration(every_seconds)
    # EINMAL_ADMIN_TOKEN, in a file that only Prometheus may read. On loopback any word will do.
    token: Value = {"type": "Bearer", "credentials_file": TOKEN_FILE}
    # Two jobs: that a gateway is down is an alert. Where nobody runs a worker, its target is down and nobody is told.
    jobs = {JOB: targets, WORKERS: workers}
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
        "scrape_configs": [
            {"job_name": job, "authorization": token, "static_configs": [{"targets": list(asked)}]}
            for job, asked in jobs.items()
            if asked
        ],
    }


def alertmanager(slack_file: str = SLACK_FILE, time_scale: float = 1.0) -> dict[str, Value]:
    """Who hears of it: Slack, whose address is a secret and therefore stands in a file of its own."""
    return {
        "route": {
            "receiver": "slack",
            "group_by": ["alertname", "severity"],
            "group_wait": duration(10 * time_scale),
            "group_interval": duration(300 * time_scale),
            "repeat_interval": duration(3 * 3600 * time_scale),
            "routes": [_AT_NIGHT],
        },
        "time_intervals": _TIMES,
        "receivers": [{"name": "slack", "slack_configs": [_SLACK | {"api_url_file": slack_file}]}],
    }


_AT_NIGHT: Final[Mapping[str, Value]] = {
    # That nobody books at night is no news.
    "receiver": "slack",
    "matchers": ['alertname="NoBookingsProcessed"'],
    "mute_time_intervals": ["night"],
}
_TIMES: Final[Sequence[Value]] = [
    {
        "name": "night",
        "time_intervals": [
            {
                "location": "Europe/Berlin",
                "times": [
                    {"start_time": "00:00", "end_time": "09:00"},
                    {"start_time": "20:00", "end_time": "24:00"},
                ],
            }
        ],
    }
]
_SLACK: Final[Mapping[str, Value]] = {
    "channel": "#api-alerts",
    "send_resolved": True,
    "title": "{{ .CommonLabels.severity | toUpper }}: {{ .CommonLabels.alertname }}",
    "pretext": '{{ if eq .Status "resolved" }}Over.{{ end }}',
    "text": "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}",
    "footer": "{{ .CommonAnnotations.runbook }}",
}
