"""What operators and clients write: settings, services, fault plans, headers; and the simulator's API."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import Any, Final
from urllib.parse import quote

from einmal.entrypoints.http.door import BODY_BYTES_MAX, Refusal, check_admin, from_this_machine, read_body
from einmal.settings import MINUTES_MAX, SETTINGS, BadSettings, Secret, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import FaultPlan, Faults, Operation, PlanMistake
from einmal.simulator.wire import SimulatedCalcom
from fuzz.calendar_targets import FIXTURES, done
from fuzz.mutation import altered_bytes, altered_text, pumped_text, said, sent
from fuzz.sealed_targets import WEBHOOK
from fuzz.target import Target, holds

SECRET: Final = "sk-geheim-4711"

# Settings and services

GOOD: Final[dict[str, str]] = {
    "EINMAL_DATABASE_URL": "sqlite:////var/lib/einmal/l.sqlite3",
    "EINMAL_HOST": "127.0.0.1",
    "EINMAL_PORT": "8080",
    "EINMAL_CALCOM_API_KEY": SECRET,
    "EINMAL_CALCOM_BASE_URL": "https://api.cal.eu/v2/",
    "EINMAL_RETELL_API_KEY": f"{SECRET},{SECRET}2",
    "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
    "EINMAL_TIMEZONE": "Europe/Berlin",
    "EINMAL_LANGUAGE": "de",
    "EINMAL_GUARD_OWNERSHIP": "false",
    "EINMAL_GUARD_FRESHNESS_SECONDS": "30",
    "EINMAL_CALCOM_RATE_PER_MINUTE": "120",
    "EINMAL_NOTIFY_URL": "https://example.org/einmal",
    "EINMAL_NOTIFY_SECRET": WEBHOOK,
    "EINMAL_METRICS_NAMESPACE": "einmal",
    "EINMAL_IDEMPOTENCY_STRATEGY": "payload",
}
ODD: Final = (
    *("http://[", "https://u:p@x", "http://127.0.0.1:99999", "https://x?y#z", "65536", "0x10", "1e3", "nan", "-1"),
    *("../../etc/passwd", "Europe", "true ", "TRUE", "yes", "whsec_", "sqlite:///", "a@b", ",", " , ", "٣", "inf"),
    *("\ud800", "x" * 300),
)


def _environment(rng: Random) -> dict[str, str]:
    names = [setting.variable for setting in SETTINGS if setting.name != "config"]
    made = {name: GOOD[name] for name in rng.sample(list(GOOD), rng.randint(0, len(GOOD)))}
    for _ in range(rng.randint(0, 3)):
        name = rng.choice(names)
        value = rng.choice(ODD) if rng.random() < 0.5 else altered_text(rng, GOOD.get(name, "x"), ODD)
        secret = "KEY" in name or "SECRET" in name or "TOKEN" in name
        made[name] = f"{SECRET}{value}" if secret else value
    if rng.random() < 0.1:
        made["EINMAL_" + rng.choice(("HOTS", "PROT", "CALCOM", "X" * 200))] = "1"
    return made


def _read_settings(environment: dict[str, str]) -> str:
    try:
        settings = read_settings(environment)
    except BadSettings as bad:
        holds(bad.problems and all(problem.startswith("EINMAL_") for problem in bad.problems), "no variable is named")
        holds(SECRET not in str(bad), "a secret is quoted")
        return f"bad, {min(4, len(bad.problems))}"
    holds(SECRET not in repr(settings), "a secret is shown")
    holds(0 < settings.port < 65536 and 0 < settings.post_seconds <= 86_400, "a number out of bounds")
    holds(settings.calcom_base_url.lower().startswith(("https://", "http://")), "an odd address")
    holds((settings.notify_url is None) == (settings.notify_secret is None), "half a channel")
    return "good"


ONE: Final = '[[services]]\nname = "Beratung"\nevent_type_id = 101\nduration_minutes = 30\naliases = ["Gespräch"]\n'
OTHER: Final = '[[services]]\nid = "b"\nname = "B"\nevent_type_id = 2\nduration_minutes = 1440\n'
SERVICES: Final = (ONE, ONE + OTHER, "services = []\n")
TOML_PIECES: Final = (
    *("=", "[", "]", "[[", "]]", '"', "'", '"""', "'''", "\n", "#", ".", "{", "}", ",", "true", "inf", "nan", "-1"),
    *("2026-12-01", "services", "[[services]]\n", "id", "name = 1\n", "\\u0000", "\\uD800", "\x00", "1_0", "1e5"),
    *("0", "9" * 30, "9" * 5000),
)


def _toml(rng: Random, seeds: tuple[str, ...]) -> bytes:
    if rng.random() < 0.02:
        return b"x = " + b"[" * rng.choice((50, 1000, 20_000))
    text = said(rng, seeds, TOML_PIECES)
    if rng.random() < 0.3:
        lines = text.split("\n")
        rng.shuffle(lines)
        text = "\n".join(lines + rng.choices(lines, k=2))
    data = text.encode("utf-8", "surrogatepass")
    return altered_bytes(rng, data) if rng.random() < 0.3 else data


def _services(rng: Random) -> bytes:
    return _toml(rng, SERVICES)


_FILE: Final = Path("/dev/shm" if Path("/dev/shm").is_dir() else gettempdir())  # noqa: S108 - memory, not disk


def _read_services(data: bytes) -> str:
    path = _FILE / f"einmal-fuzz-{os.getpid()}.toml"
    path.write_bytes(data)
    try:
        settings = read_settings({"EINMAL_CONFIG": str(path)})
    except BadSettings as bad:
        holds(all(problem.startswith("EINMAL_CONFIG: ") for problem in bad.problems), "another setting is blamed")
        return "bad, TOML" if "TOML" in str(bad) else f"bad, {min(4, len(bad.problems))}"
    finally:
        path.unlink()
    for service in settings.services:
        holds(service.name.strip(), "a service without a name")
        holds(service.event_type_id >= 1 and 1 <= service.duration_minutes <= MINUTES_MAX, "a number out of bounds")
        holds(all(alias.strip() for alias in service.aliases), "an odd alias")
    ids = [service.service_id for service in settings.services]
    holds(len(set(ids)) == len(ids), "an id stands twice")
    return f"{min(3, len(ids))} services"


def _long_services(rng: Random, size: int) -> bytes:
    return pumped_text(rng, SERVICES, size).encode("utf-8", "surrogatepass")


# Fault plans

PLANS: Final = (
    'seed = 7\n[[rule]]\nfault = "lost_answer"\noperation = "create"\nprobability = 0.5\n',
    '[[rule]]\nfault = "error_after_commit"\nstatus = 502\nnth = [1, 3]\n[[rule]]\nfault = "slow_answer"\n',
    '[[rule]]\nfault = "slow_body"\nbody_delay_seconds = 1.5\n',
    '[[rule]]\nfault = "late_commit"\noperation = ["create", "cancel"]\ncommit_after_seconds = 9\nnth = 2\n',
    '[[rule]]\nfault = "skewed_date"\nskew_seconds = -40.5\n',
)


def _plan(rng: Random) -> str:
    return _toml(rng, PLANS).decode("utf-8", "replace")


def _read_plan(text: str) -> str:
    try:
        plan = FaultPlan.from_toml(text)
    except PlanMistake:
        return "mistake"
    for rule in plan.rules:
        holds(0 <= rule.probability <= 1 and rule.befalls, "a rule that cannot be followed")
        holds(rule.nth is None or min(rule.nth) >= 1, "an occurrence that never comes")
    faults = [Faults(plan), Faults(plan)]
    acted = [[one.next(operation) for operation in Operation] for one in faults]
    holds(acted[0] == acted[1], "the same plan does another thing")
    return f"{min(3, len(plan.rules))} rules"


def _long_plan(rng: Random, size: int) -> str:
    return pumped_text(rng, PLANS, size)


# Headers

HOSTS: Final = ("127.0.0.1:8080", "localhost", "[::1]:8080", "einmal.example.org", "127.0.0.1.example.org", "::1")


def _headers(rng: Random) -> list[tuple[bytes, bytes]]:
    host = said(rng, HOSTS, ("[", "]", ":", "@", "#", "%", "/", "\\", "127.0.0.1", "localhost", "."))
    headers = [(b"host", host)] if rng.random() < 0.95 else []
    if rng.random() < 0.3:
        headers.append((b"origin", rng.choice((host, f"http://{host}", "https://evil.example", "null", "http://["))))
    if rng.random() < 0.1:
        headers.append((rng.choice((b"via", b"x-forwarded-for", b"host")), "127.0.0.1"))
    if rng.random() < 0.5:
        headers.append((b"authorization", said(rng, ("Bearer token", "Bearer ", "Basic x"), ("Bearer ", "token"))))
    if rng.random() < 0.5:
        headers.append((b"content-length", said(rng, ("5", "2097152", "2097153", "0"), ("9" * 30, "-", "+", "٣", "e"))))
    return [(name, value.encode("utf-8", "surrogatepass")) for name, value in headers]


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"12345"}


def _door(headers: list[tuple[bytes, bytes]]) -> str:
    scope: dict[str, Any] = {"type": "http", "headers": headers}
    try:
        holds(done(read_body(scope, _receive)) == b"12345", "another body")
    except Refusal as refusal:
        said_long = [value for name, value in headers if name == b"content-length"]
        holds(refusal.status == 413 and len(said_long) == 1 and int(said_long[0]) > BODY_BYTES_MAX, "refused a body")
    here = from_this_machine(scope)
    hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    holds(not here or len(hosts) == 1, "no host, or two")
    holds(not here or any(name in hosts[0] for name in ("127.", "localhost", "::", "0:0:")), "a stranger's name")
    holds(not here or not any("evil" in origin for origin in origins), "a page of some other site")
    holds(not here or not any(name in {b"via", b"x-forwarded-for"} for name, _ in headers), "through a proxy")
    try:
        check_admin(scope, Secret("token"), loopback=True)
    except Refusal as refusal:
        holds(refusal.status == 401, "an odd refusal")
        return f"{here} refused"
    given = [value for name, value in headers if name == b"authorization"]
    holds(len(given) == 1 and given[0].endswith(b"Bearer token"), "let in without the token")
    return f"{here} let in"


# The simulator

NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def _requests() -> Iterator[tuple[str, str, Any, str]]:
    """Every recorded request: method, target, body, API version."""
    for path in sorted(FIXTURES.rglob("*.json")):
        for step in json.loads(path.read_text("utf-8")).get("steps", ()):
            if "method" in step:
                yield step["method"], step["target"], step.get("body", {}), step.get("version") or "2024-08-13"


REQUESTS: Final = list({json.dumps(one[:3], sort_keys=True)[:800]: one for one in _requests()}.values())


def _request(rng: Random) -> tuple[str, str, str, bytes]:
    method, target, body, version = rng.choice(REQUESTS)
    if rng.random() < 0.3:
        target = altered_text(rng, target, ("%", "%00", "&", "=", "?", "/", "sortStart=asc", "take=", "9" * 20, "ä"))
    if rng.random() < 0.1:
        version = rng.choice(("2024-09-04", "2024-08-13", "", "x"))
    return method, quote(target, safe="/?&=%:+-.~"), version, sent(rng, [body])


def _handle(given: tuple[str, str, str, bytes]) -> str:
    method, target, version, body = given
    uids = iter(f"uid-{number}" for number in range(100))
    calendar = SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: next(uids))
    calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: NOW)
    headers = {"cal-api-version": version, "authorization": "Bearer key", "content-type": "application/json"}
    answer = calcom.handle(method, target, headers, body)
    holds(200 <= answer.status < 600, "an odd status")
    holds(isinstance(json.loads(answer.body), dict), "an answer that is no object")
    return f"{method} {answer.status}"


TARGETS: Final = (
    Target("settings", _environment, _read_settings),
    Target("services", _services, _read_services, _long_services, 64 * 1024),
    Target("fault plan", _plan, _read_plan, _long_plan, 64 * 1024),
    Target("door", _headers, _door),
    Target("simulator", _request, _handle),
)
