"""`einmal config`: is all of it right, what is in force, where does it come from; and a file to begin with.

What is wrong with the file is shown with its line, all of it at once. Secrets are never shown, not even those that
stand where they should not.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from einmal.configuration.example import example
from einmal.configuration.problems import BadConfiguration
from einmal.entrypoints.cli.config_summary import summary_data, summary_table
from einmal.entrypoints.cli.exposed import exposed_warnings
from einmal.settings import SETTINGS, BadSettings, Secret, Setting, Settings, read_settings
from einmal.settings.given import given
from einmal.settings.weak import weak_secrets

WRONG: Final = 2
NARROWEST: Final = 40
UNBOUNDED: Final = 20_000


def config_check(file: Path | None, *, as_json: bool) -> int:
    """Check the environment's settings and the file; `file` stands in for EINMAL_CONFIG."""
    environment = dict(os.environ) | ({} if file is None else {"EINMAL_CONFIG": str(file)})
    try:
        settings = read_settings(environment)
    except BadSettings as wrong:
        _show_wrong(wrong, as_json=as_json)
        return WRONG
    environment = dict(given(environment).environment)
    weak = weak_secrets(settings)
    for warning in (*(f"WARNING: {one}" for one in weak if settings.loopback), *exposed_warnings(settings)):
        print(warning, file=sys.stderr)
    if weak and not settings.loopback:
        _show_wrong(BadSettings(list(weak)), as_json=as_json)
        return WRONG
    if as_json:
        _print_json(_right(settings, environment))
        return 0
    if file is None:
        # Who names a file asks about that one.
        _print_whole(_settings_table(settings, environment))
    now = datetime.now(UTC)
    for tenant in settings.configuration.tenants if settings.configuration is not None else ():
        _print_whole(summary_table(tenant, now))
    print("The settings are right." if file is None else f"{file} is right.")
    return 0


def config_example() -> int:
    print(example(), end="")
    return 0


def _print_whole(table: Table) -> None:
    """Nothing of it is cut off. A terminal folds what is long; a program that reads it gets whole lines."""
    console = Console()
    if console.is_terminal:
        console.width = max(console.width, NARROWEST)
        console.print(table, "")
        return
    text = StringIO()
    Console(file=text, width=UNBOUNDED).print(table)
    for line in text.getvalue().splitlines():
        print(line.rstrip())
    print()


def _show_wrong(wrong: BadSettings, *, as_json: bool) -> None:
    file = wrong.file
    told = set() if file is None else {f"EINMAL_CONFIG: {line}" for line in file.told}
    settings = [problem for problem in wrong.problems if problem not in told]
    if as_json:
        _print_json({"right": False, "settings": settings, "file": [] if file is None else _problems(file)})
        return
    for problem in settings:
        print(problem, file=sys.stderr)
    if file is not None:
        _show_file(file)
    count = len(wrong.problems)
    print(f"{count} {'problem' if count == 1 else 'problems'}.", file=sys.stderr)


def _show_file(file: BadConfiguration) -> None:
    """What is wrong in a line, and below it the line."""
    for line, group in groupby(file.problems, key=lambda problem: problem.line):
        problems = list(group)
        for problem in problems:
            print(file.tell(problem), file=sys.stderr)
        text = file.line_of(problems[0])
        if text is not None:
            print(f"  {line:>4} | {text.strip()}\n", file=sys.stderr)


def _problems(file: BadConfiguration) -> list[dict[str, Any]]:
    return [
        {"file": file.file_name, "line": one.line, "path": one.path, "message": one.message, "text": file.line_of(one)}
        for one in file.problems
    ]


def _settings_table(settings: Settings, environment: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("setting", overflow="fold")
    table.add_column("in force", overflow="fold")
    table.add_column("", style="dim", overflow="fold")
    table.add_column("meaning", style="dim", overflow="fold")
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        row = (setting.variable, _shown(value), _origin(setting, value, environment), setting.meaning)
        table.add_row(*(Text(cell) for cell in row))
    return table


def _right(settings: Settings, environment: Mapping[str, str]) -> dict[str, Any]:
    now = datetime.now(UTC)
    configuration = settings.configuration
    values = {setting.name: getattr(settings, setting.name) for setting in SETTINGS}
    return {
        "right": True,
        "settings": {
            setting.variable: {
                "in_force": None if values[setting.name] in {None, ()} else _shown(values[setting.name]),
                "from": _origin(setting, values[setting.name], environment),
            }
            for setting in SETTINGS
        },
        "digest": None if configuration is None else configuration.digest,
        "tenants": [] if configuration is None else [summary_data(one, now) for one in configuration.tenants],
    }


def _origin(setting: Setting, value: object, environment: Mapping[str, str]) -> str:
    """Whether the environment set it, or the only tenant of the file."""
    text = environment.get(setting.variable, "")
    if text.strip():
        return "set" if setting.read(text) == value else "file"
    return "default" if value == setting.default else "file"


def _print_json(data: dict[str, Any]) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case Secret() | (Secret(), *_):
            return "***"
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
