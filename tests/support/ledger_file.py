"""A new SQLite ledger for a test: migrated once in each process that tests, and copied from there.

The migrations take longer than most tests that want a ledger. What proves something of the migrations runs them.
"""

import tempfile
from functools import cache
from pathlib import Path

from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import connect


def new_ledger(path: Path) -> Path:
    """As `upgrade` makes one where there is no file. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_like())
    return path


@cache
def _like() -> bytes:
    with tempfile.TemporaryDirectory(prefix="einmal-like-") as folder:
        path = Path(folder) / "ledger.sqlite3"
        upgrade(path)
        # Opened once as a gateway opens it: the change to WAL is in the file, and not made by each test again.
        connect(path).close()
        return path.read_bytes()
