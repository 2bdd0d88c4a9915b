"""The mapping of an import: a TOML file that says where another program keeps its appointments, and what they mean.

Read and checked as a whole, like the file of tenants: whatever is wrong is told at once, each with its line.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from einmal.configuration.lines import Lines
from einmal.configuration.model import TenantConfiguration
from einmal.configuration.problems import BadConfiguration, Problem, shown
from einmal.configuration.read import parsed
from einmal.configuration.references import References
from einmal.configuration.table import Report, Table
from einmal.configuration.values import time_zone
from einmal.domain.intent import State
from einmal.domain.keys import normal_name
from einmal.domain.model import Service
from einmal.ports.old_tables import OldCustomers, OldTable
from einmal.secret import Secret

STATUSES: Final[Mapping[str, State | None]] = {
    "confirmed": State.CONFIRMED,
    "pending": State.PENDING,
    "cancelled": State.CANCELLED,
    "skip": None,
}
_SAID_ELSEWHERE: Final = (
    "a password must not stand in this file, which is copied and mailed; "
    'write { env = "NAME_OF_A_VARIABLE" } or { file = "/path/to/a/file" }'
)
_SOURCE_NAME: Final = re.compile(r"[\w.-]{1,100}")
_COLUMNS_CALLED: Final = {
    "key": "id",
    "row_id": "id",
    "uid": "booking_uid",
    "booking_id": "booking_uid",
    "calcom_v2_booking_id": "booking_uid",
    "service_id": "service",
    "customer_id": "customer",
    "start": "starts_at",
    "end": "ends_at",
    "call": "call_id",
}

UrlCheck = Callable[[str], None]
"""Raises ValueError, with nothing of the URL in it, for one that names no database."""


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """`source` is what the rows are called after in the ledger. `statuses`: None is left out. `time_zone` is that of
    times which name none."""

    tenant: TenantConfiguration
    url: Secret
    source: str
    old: OldTable
    time_zone: str
    nobodys: frozenset[str]
    services: Mapping[str, Service]
    statuses: Mapping[str, State | None]


def example() -> str:
    return files("einmal.configuration").joinpath("importing.toml").read_text("utf-8")


def read_mapping(
    text: str,
    file_name: str,
    environment: Mapping[str, str],
    tenants: Sequence[TenantConfiguration],
    check_url: UrlCheck,
) -> ImportMapping:
    """The mapping that a text says, for one of these tenants. Raises BadConfiguration with all problems at once."""
    lines = Lines(text)
    report = Report(lines)
    root = Table(report, (), parsed(text, file_name, lines))
    tenant = _tenant(root, tenants)
    source, columns = _needed(root, "source"), _needed(root, "columns")
    url = _url(source, environment, check_url)
    table = source.text("table", needed='the table with the appointments, such as table = "appointments"')
    name = source.read("name", _source_name) or table or ""
    zone = source.read("time_zone", time_zone) or tenant.time_zone
    nobodys = frozenset(text.lower() for _, text in source.texts("nobody"))
    source.end({"database": "url", "zone": "time_zone", "timezone": "time_zone"})
    old = _old(table or "", columns, root)
    services = _services(_needed(root, "services"), tenant.services)
    statuses = _statuses(root.table("statuses"))
    if statuses and old.status is None:
        root.problem("statuses", "means nothing without a status under [columns]")
    root.end({"customer": "customers", "service": "services", "status": "statuses", "column": "columns"})
    if report.problems:
        raise BadConfiguration(file_name, report.problems, text)
    return ImportMapping(tenant, url or Secret(""), name, old, zone, nobodys, services, statuses)


def problem_at(text: str, file_name: str, key: tuple[str, str], message: str) -> BadConfiguration:
    """What only the database could tell to be wrong with a key, at its line."""
    where = ".".join(key)
    return BadConfiguration(file_name, [Problem(Lines(text).of(key), where, message)], text)


def _source_name(text: str) -> str:
    if _SOURCE_NAME.fullmatch(text) is None:
        raise ValueError("must be up to 100 letters, digits, dots, hyphens and underscores")
    return text


def _needed(root: Table, key: str) -> Table:
    """The table of that name; an empty one, and a problem, where it is not there."""
    if key not in root:
        root.lack(key, f"the table [{key}]; `einmal import --example` prints a whole file")
    return root.table(key) or Table(Report(Lines("")), (key,), {})


def _tenant(root: Table, tenants: Sequence[TenantConfiguration]) -> TenantConfiguration:
    table = root.table("tenant")
    said = None if table is None else table.text("id")
    if table is not None:
        table.end({"tenant_id": "id", "name": "id"})
    ids = ", ".join(one.tenant_id for one in tenants)
    found = next((one for one in tenants if one.tenant_id == said), None)
    if said is not None and table is not None and found is None:
        table.problem("id", f"there is no tenant {shown(said)}; there are {ids}")
    if said is None and len(tenants) > 1:
        root.problem(None, f'[tenant] is missing: say whose they are, such as id = "{tenants[0].tenant_id}" ({ids})')
    return found or tenants[0]


def _url(source: Table, environment: Mapping[str, str], check_url: UrlCheck) -> Secret | None:
    if "url" not in source:
        source.lack("url", 'the database, such as { env = "OLD_DATABASE_URL" }')
    value = source.raw("url")
    if isinstance(value, str):
        if _has_password(value):
            # As of a key that nobody knows: what stands in that line is not shown.
            source.unknown("url", _SAID_ELSEWHERE, near=True)
            return None
        url: Secret | None = Secret(value)
    else:
        url = References(environment).secret(source, "url", key_like=False)
    if url is not None:
        try:
            check_url(url.reveal())
        except ValueError as wrong:
            source.problem("url", str(wrong))
    return url


def _has_password(url: str) -> bool:
    with contextlib.suppress(ValueError):
        if urlsplit(url).password is not None:
            return True
    return re.search(r"//[^@]*:[^@]*@|[?&]passw", url) is not None


def _old(table: str, columns: Table, root: Table) -> OldTable:
    joined = root.table("customers")
    own = {name: columns.text(name) for name in ("name", "phone", "email")}
    customer = columns.text("customer")
    if joined is not None and "customer" not in columns:
        columns.lack("customer", "which column names the row of [customers]")
    if joined is None and customer is not None and "customers" not in root:
        columns.problem("customer", "means nothing without [customers], which says where they are; or give name")
    if joined is None and customer is None and "name" not in columns:
        columns.lack("name", "the column with the customer's name; or customer, with a table [customers]")
    for name in own if joined is not None else ():
        if name in columns:
            columns.problem(name, "stands beside [customers]: which of the two is meant?")
    old = OldTable(
        table=table,
        key=columns.text("id", needed="the column that names a row") or "",
        booking_uid=columns.text("booking_uid", needed="the column with Cal.com's booking uid") or "",
        service=columns.text("service", needed="the column that says what was booked") or "",
        starts_at=columns.text("starts_at", needed="the column with the start") or "",
        created_at=columns.text("created_at", needed="the column that says when the row was made") or "",
        ends_at=columns.text("ends_at"),
        call_id=columns.text("call_id"),
        status=columns.text("status"),
        customer=customer,
        customers=None if joined is None else _customers(joined),
        **(own if joined is None else {}),
    )
    columns.end(_COLUMNS_CALLED)
    return old


def _customers(table: Table) -> OldCustomers:
    found = OldCustomers(
        table=table.text("table", needed='the table with the people, such as table = "customers"') or "",
        key=table.text("id", needed="the column that names a person") or "",
        name=table.text("name", needed="the column with the name") or "",
        phone=table.text("phone"),
        email=table.text("email"),
    )
    table.end({"key": "id", "customer_id": "id", "phone_number": "phone", "mail": "email"})
    return found


def _services(table: Table, offered: Sequence[Service]) -> dict[str, Service]:
    found: dict[str, Service] = {}
    if not offered:
        table.problem(None, "the house's services are not known yet; start `einmal serve` once, or write them down")
        return found
    if not table.keys:
        table.problem(None, 'is empty: say what the old ones are here, such as "17" = "Beratung"')
    names = ", ".join(one.name for one in offered if not one.segments)
    for key in table.keys:
        wanted = table.text(key)
        if wanted is None:
            continue
        meant = [one for one in offered if normal_name(wanted) in _names_of(one)]
        if len(meant) != 1:
            why = (
                "several services are called so; give the id of one" if meant else f"there is no such service: {names}"
            )
            table.problem(key, f"{shown(wanted)}: {why}")
        elif meant[0].segments:
            table.problem(key, f"{shown(wanted)} is made of several bookings, and an old appointment is one: {names}")
        else:
            found[key.strip()] = meant[0]
    return found


def _names_of(service: Service) -> frozenset[str]:
    return frozenset(map(normal_name, (service.service_id, service.name, *service.aliases)))


def _statuses(table: Table | None) -> dict[str, State | None]:
    found: dict[str, State | None] = {}
    for key in () if table is None else table.keys:
        wanted = None if table is None else table.text(key)
        if wanted is not None and wanted in STATUSES:
            found[key.strip()] = STATUSES[wanted]
        elif wanted is not None and table is not None:
            table.problem(key, f"must be one of {', '.join(STATUSES)}, not {shown(wanted)}")
    return found
