"""A ledger's address is printed at start and in errors: never with a password in it."""

from pathlib import Path

import pytest

from einmal.adapters.sql.migrate import shown


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql://db.example/salon", "postgresql://db.example/salon"),
        ("postgresql://me@db.example/salon", "postgresql://me@db.example/salon"),
        ("postgresql://me:hunter2@db.example:5433/salon", "postgresql://me:***@db.example:5433/salon"),
        ("postgresql://me:hunter2@[::1]:5433/salon", "postgresql://me:***@[::1]:5433/salon"),
        ("postgresql://me@/salon?host=/run/postgresql", "postgresql://me@/salon?host=/run/postgresql"),
        ("postgresql://one:5432,two:5432/salon", "postgresql://one:5432,two:5432/salon"),
    ],
)
def test_where_it_lies_is_told(url: str, printed: str) -> None:
    """Enough to know which database is meant."""
    assert shown(url) == printed


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@db/salon",
        "postgresql://me:hun@hunter2@db/salon",
        "postgresql://me:hunter2/hunter2@db/salon",
        "postgresql://me:hunter2?hunter2@db/salon",
        "postgresql://me:hunter2#hunter2@db/salon",
        "postgresql://db/salon?user=me&password=hunter2",
        "postgresql://db:5432/salon?PASSWORD=hun@hunter2",
        "postgresql://me:hunter2@db/salon?sslpassword=hunter2",
        "postgresql://:hunter2@db/salon",
    ],
)
def test_no_password_is_printed_however_it_is_written(url: str) -> None:
    """Also where the URL is wrong, and is printed for that."""
    assert "hunter2" not in shown(url)


def test_a_file_is_told_as_it_is() -> None:
    assert shown(Path("data/einmal.sqlite3")) == "data/einmal.sqlite3"
