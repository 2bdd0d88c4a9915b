"""A ledger beside an installation's own, of the same kind, for trying things on; it goes when whoever made it is done.

Beside a file it is a file in a temporary folder. Beside a PostgreSQL database it is a database on the same server, made
under a name of its own and dropped by that name: the database that is named is only connected to.
"""

import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from einmal.adapters.sql.migrate import SchemaMismatch, shown, upgrade

MARK: Final = "einmal_scratch"


class NoScratch(Exception):
    """None could be made. `args[0]` says why in words for the operator."""


class ScratchLeft(Exception):
    """It was made and used, and could not be dropped. `args[0]` says which, in words for the operator."""


@contextlib.asynccontextmanager
async def scratch_beside(where: Path | str) -> AsyncIterator[Path | str]:
    """Where an empty ledger with the newest schema lies. Raises NoScratch, and at its end ScratchLeft."""
    if isinstance(where, Path):
        with scratch_file() as path:
            yield path
        return
    name = f"{MARK}_{secrets.token_hex(6)}"
    try:
        await _to_its_end(_carried_out(where, f"CREATE DATABASE {name}"))
    except asyncio.CancelledError:
        await _dropped(where, name)
        raise
    try:
        url = urlsplit(where)._replace(path=f"/{name}").geturl()
        try:
            upgrade(url)
        except SchemaMismatch as wrong:
            raise NoScratch(str(wrong)) from None
        yield url
    finally:
        await _dropped(where, name)


async def _dropped(where: str, name: str) -> None:
    try:
        await _to_its_end(_carried_out(where, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    except NoScratch as why:
        raise ScratchLeft(f"the scratch database {name} was not dropped ({why}); drop it by hand") from None


@contextlib.contextmanager
def scratch_file() -> Iterator[Path]:
    """A ledger in a file of its own."""
    try:
        with tempfile.TemporaryDirectory(prefix=f"{MARK}-") as folder:
            path = Path(folder) / "ledger.sqlite3"
            upgrade(path)
            yield path
    except OSError as error:
        raise NoScratch(f"no scratch ledger could be made in {tempfile.gettempdir()} ({error.strerror})") from None


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Whoever is asked twice to stop still clears up first."""
    task, asked_again = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            asked_again = True
    task.result()
    if asked_again:
        raise asyncio.CancelledError


async def _carried_out(url: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        session: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            await session.execute(statement)
        finally:
            await session.close()
    except asyncpg.InsufficientPrivilegeError:
        raise NoScratch(
            f"{shown(url)}: this role may not make databases, and a ledger in use is not filled for a trial; "
            "ALTER ROLE … CREATEDB lets it, or run this against a server for tests"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise NoScratch(f"{shown(url)} cannot be used: {type(error).__name__}") from None
