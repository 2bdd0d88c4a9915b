"""How `einmal mcp` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_mcp(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.mcp import Listens, mcp  # noqa: PLC0415 - `einmal --help` should not wait

        listens = Listens(arguments.host, arguments.port) if arguments.http else None
        return mcp(settings(), listens, arguments.tenant)

    parser = commands.add_parser("mcp", help="the booking functions as an MCP server: tools for any model")
    parser.add_argument("--http", action="store_true", help="over streamable HTTP, at /mcp (over stdio)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on, with --http (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8070, metavar="N", help="the port, with --http (8070)")
    parser.add_argument("--tenant", metavar="ID", help="whose calendar, where there are several")
    parser.set_defaults(run=run)
