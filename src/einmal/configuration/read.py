"""The whole file: its tenants one by one, and then what only shows when they stand side by side.

Nothing is anybody's by default once there are two: each has agents, numbers or a Retell key of its own, and says itself
which account at Cal.com is its own. A key that were inherited silently would write one house's callers into another's
calendar.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from einmal.configuration.lines import Lines
from einmal.configuration.model import Configuration, Defaults, TenantConfiguration
from einmal.configuration.problems import BadConfiguration, Problem
from einmal.configuration.references import FileReader, References, read_beginning, read_secret_file
from einmal.configuration.syntax import syntax_problem
from einmal.configuration.table import Report, Table
from einmal.configuration.tenant import KEYS_OF_PLATFORMS, TENANT_KEYS, read_tenant
from einmal.secret import Secret

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Some thousand tenants."""

_EMPTY: Final = (
    "says nothing, and would answer every call for a house that nobody described; the least is one [[services]], or "
    "one [[tenants]] with its id and name, or a key such as language. `einmal config example` prints a whole file"
)
_TABLES: Final = frozenset({"opening_hours", "special_days", "policies", "staff", "services", "api_keys"})


def read_configuration_file(
    path: Path, defaults: Defaults, environment: Mapping[str, str], read_file: FileReader = read_secret_file
) -> Configuration:
    """The configuration of a file. Raises BadConfiguration, also where it cannot be read."""
    return read_configuration(text_of(path), str(path), defaults, environment, read_file)


def text_of(path: Path) -> str:
    """A file's text. Raises BadConfiguration where it cannot be read."""
    try:
        content = read_beginning(path, FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else "no such path"
        raise BadConfiguration(str(path), [Problem(None, "", f"cannot be read: {why}")]) from None
    if len(content) > FILE_BYTES_MAX:
        raise BadConfiguration(str(path), [Problem(None, "", f"is longer than {FILE_BYTES_MAX} bytes")])
    try:
        return content.decode("utf-8-sig")  # some editors write a mark before the first letter
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        told = "is not UTF-8, in which TOML is written; save the file as UTF-8"
        raise BadConfiguration(str(path), [Problem(line, "", told)]) from None


def read_configuration(
    text: str,
    file_name: str,
    defaults: Defaults,
    environment: Mapping[str, str],
    read_file: FileReader = read_secret_file,
) -> Configuration:
    """The configuration that a text says. Raises BadConfiguration with all problems at once."""
    lines = Lines(text)
    data = parsed(text, file_name, lines)
    report = Report(lines, TENANT_KEYS)
    references = References(environment, read_file)
    if not data:
        raise BadConfiguration(file_name, [Problem(None, "", _EMPTY)], text)
    root = Table(report, (), data)
    if "tenants" in data:
        tenants = _several(root, defaults, references)
    else:
        tenants = [read_tenant(root, defaults, references, named=False)]
        _house_addresses([root], tenants)
    variables = frozenset(references.variables)
    if report.problems:
        raise BadConfiguration(file_name, report.problems, text, variables)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    exposed = tuple(sorted(references.exposed))
    return Configuration(tuple(tenants), digest, variables, exposed, tuple(references.sealed))


def parsed(text: str, file_name: str, lines: Lines) -> dict[str, Any]:
    """What the TOML says. Raises BadConfiguration for what is none."""
    if lines.refused is not None:
        line, why = lines.refused
        raise BadConfiguration(file_name, [Problem(line, "", f"cannot be read: this {why}")], text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        problem = syntax_problem(str(wrong), text)
    except (ValueError, RecursionError):
        problem = Problem(None, "", "is not TOML that can be read: something in it is beyond measure")
    raise BadConfiguration(file_name, [problem], text)


def _several(root: Table, defaults: Defaults, references: References) -> list[TenantConfiguration]:
    tables = root.tables("tenants")
    for key in root.keys:
        if key != "tenants":
            told = "stands beside [[tenants]]; with them everything is said within one, below its header"
            root.unknown(key, told, near=key in TENANT_KEYS or key in _TABLES)
    if "tenants" in root and root.raw("tenants") == []:
        root.problem("tenants", "there is none; leave the line out for a file of one tenant")
    if len(tables) > 1:
        # An account is nobody's by default. The rest of the defaults harms nobody.
        open_to_all = replace(defaults, calcom_api_key=None, calcom_webhook_secret=None, api_keys=())
        tenants = [read_tenant(table, open_to_all, references, named=True) for table in tables]
        _side_by_side(tables, tenants, asked=defaults.calcom_api_key is not None)
    else:
        tenants = [read_tenant(table, defaults, references, named=True) for table in tables]
    _house_addresses(tables, tenants)
    return tenants


def _house_addresses(tables: Sequence[Table], tenants: Sequence[TenantConfiguration]) -> None:
    for table, tenant in zip(tables, tenants, strict=True):
        if tenant.calcom_api_key is not None and tenant.house_email is None and not table.means("house_email"):
            table.problem(
                None,
                "house_email is missing: needed beside a Cal.com key, for callers who have no e-mail; an address of "
                "yours that takes mail for local+anything@domain (or EINMAL_ATTENDEE_FALLBACK_EMAIL)",
            )


def _side_by_side(tables: Sequence[Table], tenants: Sequence[TenantConfiguration], *, asked: bool) -> None:
    """What several tenants must not share, and what each must have. `asked`: the environment names a Cal.com key."""
    _unshared(tables, tenants, "id", lambda tenant: (tenant.tenant_id,))
    _unshared(tables, tenants, "agents", lambda tenant: tenant.agents)
    _unshared(tables, tenants, "numbers", lambda tenant: tenant.numbers)
    _own_programs(tables, tenants)
    asked = asked or any(table.means("calcom_api_key") for table in tables)
    signed = any(table.means("retell_api_keys") for table in tables)
    accounts: dict[Secret, list[Table]] = {}
    for table, tenant in zip(tables, tenants, strict=True):
        if tenant.calcom_api_key is not None:
            accounts.setdefault(tenant.calcom_api_key, []).append(table)
    signers = Counter(signer for tenant in tenants for signer in set(_signers(tenant)))
    for table, tenant in zip(tables, tenants, strict=True):
        on_the_phone = any(table.means(key) for key in ("agents", "numbers"))
        by_programs = table.means("api_keys")
        if not on_the_phone and not by_programs and not any(signers[signer] == 1 for signer in _signers(tenant)):
            table.problem(None, "has no agents, no numbers and no Retell key of its own: no call would ever be its own")
        unsigned = not _signers(tenant) and not any(table.means(key) for key in KEYS_OF_PLATFORMS)
        if signed and unsigned and (on_the_phone or not by_programs):
            table.problem(
                None,
                "retell_api_keys is missing: other tenants have theirs, so calls must be signed, and every one for "
                "this tenant would be refused; give it its own, or all of them one by EINMAL_RETELL_API_KEY",
            )
        if asked and not table.means("calcom_api_key"):
            table.problem(
                None,
                "calcom_api_key is missing: with several tenants each says which account is its own, "
                'such as calcom_api_key = { env = "EINMAL_CALCOM_API_KEY" }',
            )
    for sharing in accounts.values():
        for table in sharing if len(sharing) > 1 else ():
            if "services" not in table:
                where = table.report.place(next(other for other in sharing if other is not table).path)
                table.problem(None, f"has no services, and the Cal.com key of {where}: it would offer what is theirs")


def _signers(tenant: TenantConfiguration) -> list[tuple[str, Secret]]:
    """The keys that its calls may come with, each with its kind."""
    return [(kind, key) for kind in KEYS_OF_PLATFORMS for key in getattr(tenant, kind)]


def _own_programs(tables: Sequence[Table], tenants: Sequence[TenantConfiguration]) -> None:
    """The key alone says whose program it is."""
    first: dict[Secret, Table] = {}
    for table, tenant in zip(tables, tenants, strict=True):
        for one in tenant.api_keys:
            other = first.setdefault(one.key, table)
            if other is not table:
                where = table.report.place((*other.path, "api_keys"))
                table.problem("api_keys", f"one of these keys also stands at {where}; a key must be one tenant's only")


def _unshared(
    tables: Sequence[Table],
    tenants: Sequence[TenantConfiguration],
    key: str,
    values: Callable[[TenantConfiguration], Sequence[str]],
) -> None:
    first: dict[str, Table] = {}
    for table, tenant in zip(tables, tenants, strict=True):
        for value in filter(None, values(tenant)) if key in table else ():
            other = first.setdefault(value, table)
            if other is not table:
                where = table.report.place((*other.path, key))
                why = "two tenants must not share it" if key == "id" else "a call must be one tenant's only"
                table.problem(key, f'"{value}" also stands at {where}; {why}')
