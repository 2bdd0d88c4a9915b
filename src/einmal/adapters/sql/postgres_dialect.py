"""Our statements in PostgreSQL's words: written once for both databases, put into its form here."""

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final


class NotTogether(Exception):
    """Something was wrong with one of a group, and nothing of it is written. Nobody knows which: each goes alone."""


def locks(names: Iterable[str]) -> str:
    """In one round trip, and always taken in one order."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    locks = sorted({int.from_bytes(digest, "big", signed=True) for digest in digests})
    return "; ".join(f"SELECT pg_advisory_xact_lock({lock})" for lock in locks)


_OPENED: Final = re.compile(r"/\* (FOR UPDATE[^*]*) \*/")


@lru_cache(maxsize=256)
def dialect(sql: str) -> str:
    """The statement as PostgreSQL takes it: numbered values, and what SQLite was not to read."""
    parts = _OPENED.sub(r"\1", sql).split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


@lru_cache(maxsize=256)
def dialect_of_many(sql: str) -> str | None:
    """The same for many sets of values at once: the last value, a number, begins each row. None: there are no rows.

    Raises NotTogether for what is neither a SELECT nor a plain INSERT, UPDATE or DELETE.
    """
    number = f"${sql.count('?') + 1}::int4"
    word = sql.split(None, 1)[0]
    if word == "SELECT":
        return f"SELECT {number}, found.* FROM ({dialect(sql)}) AS found"  # noqa: S608 - our own statements
    if word not in {"INSERT", "UPDATE", "DELETE"}:
        raise NotTogether
    before, returning, columns = dialect(sql).partition("RETURNING ")
    return f"{before}RETURNING {number}, {columns}" if returning else None


def taken(value: Any) -> Any:
    """PostgreSQL's text has no NUL."""
    return value.replace("\0", "\ufffd") if type(value) is str and "\0" in value else value
