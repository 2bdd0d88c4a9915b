"""`einmal config check`: every setting, what is in force, and where it comes from. Secrets are not shown."""

import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from einmal.settings import SETTINGS, Secret, Settings


def config_check(settings: Settings) -> int:
    table = Table(box=None, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("in force")
    table.add_column("", style="dim")
    table.add_column("meaning", style="dim")
    for setting in SETTINGS:
        origin = "set" if os.environ.get(setting.variable, "").strip() else "default"
        table.add_row(setting.variable, _shown(getattr(settings, setting.name)), origin, setting.meaning)
    console = Console()
    console.print(table)
    for service in settings.services:
        console.print(f"service {service.name}: event type {service.event_type_id}, {service.duration_minutes} min")
    console.print("The settings are right.")
    return 0


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case Secret() | (Secret(), *_):
            return "***"
        case bool():
            return "true" if value else "false"
        case Path():
            return str(value)
        case _:
            return str(value)
