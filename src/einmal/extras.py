"""What is installed only where it is asked for, and how whoever lacks one hears of it.

The gateway starts without any of them, on SQLite; nothing of an extra is imported before it is needed.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final


@dataclass(frozen=True, slots=True)
class Extra:
    """Named as in `pip install 'einmal[name]'`; `what` is the part that matters, `module` shows that it is there."""

    name: str
    what: str
    module: str

    def is_missing(self) -> bool:
        try:
            return find_spec(self.module) is None
        except (ModuleNotFoundError, ValueError):
            return True

    @property
    def needed(self) -> str:
        """Said of whatever cannot be done without it."""
        install = f"pip install 'einmal[{self.name}]', or in a clone pip install -e '.[{self.name}]'"
        return f"needs {self.what}, which is not installed here; {install}"


POSTGRES: Final = Extra("postgres", "asyncpg", "asyncpg")
MYSQL: Final = Extra("mysql", "PyMySQL", "pymysql")
MCP: Final = Extra("mcp", "the MCP SDK", "mcp")
TRACING: Final = Extra("tracing", "OpenTelemetry", "opentelemetry.exporter.otlp.proto.http")
