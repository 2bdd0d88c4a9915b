"""Where `einmal audit` cannot look: what is said, with which exit code, and never with the password."""

import socket
from pathlib import Path

import pytest

from support.mariadb import the_server
from support.sql import the_postgres
from support.tables import Operator, TableBase

PASSWORD = "gänse/füßchen@1"
WRITTEN = "g%C3%A4nse%2Ff%C3%BC%C3%9Fchen%401"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "appointments",
        "oracle://me:geheim@host/salon",
        "https://me:geheim@host/salon",
        "postgresql://me:geheim@host",
        "mysql://me:geheim@host/",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://me:geheim@host:port/salon",
        "mysql://me:geh@eim:x@host/salon",
        "postgresql://me:x@geh@host:5432/salon",
        "mysql://me:x@geh/eim@host/salon",
    ],
)
def test_what_names_no_database(einmal: Operator, url: str) -> None:
    """Exit code 2, with what would; a URL is not repeated, for it may hold a password."""
    for command in ("audit", "dedupe"):
        told = einmal(command, "--url", url)
        assert (told.code, told.out) == (2, "")
        assert "say sqlite:///path, postgresql://user@host/database" in told.err
        assert "geh" not in told.err


def test_an_at_in_the_password_is_said_to_be_written_otherwise(einmal: Operator) -> None:
    """What stands behind it would be taken for the host, and be printed."""
    told = einmal("audit", "--url", "postgresql://me:x@geheim@127.0.0.1:1/salon")
    assert (told.code, "write %40 for an @ in the password" in told.err) == (2, True), told.err
    assert einmal("audit", "--url", "postgresql://me:x%40geheim@127.0.0.1:1/salon").code == 4


def test_a_file_that_is_no_database(einmal: Operator, tmp_path: Path) -> None:
    """Missing, a folder, something else, nothing at all: each is said, and nothing is made."""
    (tmp_path / "other.txt").write_text("this is no database, but it is long enough to look at")
    (tmp_path / "empty").touch()
    for name, said in (
        ("gone.sqlite3", "there is no file"),
        (".", "is no file"),
        ("other.txt", "it is no SQLite database"),
        ("empty", "there is no table 'appointments' (say which with --table); there are none"),
    ):
        told = einmal("audit", "--url", f"sqlite:///{tmp_path / name}")
        assert (told.code, said in told.err) == (4, True), told.err
    assert {one.name for one in tmp_path.iterdir()} == {"other.txt", "empty"}


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb", "mysql"])
def test_a_server_that_nobody_answers_for(einmal: Operator, scheme: str) -> None:
    """A port that nothing listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        told = einmal("audit", "--url", f"{scheme}://me:geheim@127.0.0.1:{door.getsockname()[1]}/salon")
    assert (told.code, "nobody answers there" in told.err) == (4, True), told.err
    assert "geheim" not in told.err


def test_mariadbs_users(mariadb: TableBase, einmal: Operator) -> None:
    """A wrong password, a right one with signs in it, no such database, a right that is missing."""
    mariadb.create()
    mariadb.incident()
    server, name = the_server(), mariadb.url.rpartition("/")[2].partition("?")[0]
    server.run("mysql", f"CREATE OR REPLACE USER salon@'%' IDENTIFIED BY '{PASSWORD}'")
    server.run("mysql", f"GRANT SELECT ON {name}.* TO salon@'%'")

    def url(password: str, database: str = name) -> str:
        return f"mariadb://salon:{password}@127.0.0.1:{server.port}/{database}?ssl_disabled=true"

    wrong = einmal("audit", "--url", url("falsch"))
    assert (wrong.code, "the password is wrong" in wrong.err) == (4, True), wrong.err
    assert "salon:***@" in wrong.err
    assert "falsch" not in wrong.err
    assert einmal("audit", "--url", url(WRITTEN)).code == 1
    gone = einmal("audit", "--url", url(WRITTEN, "gone"))
    assert (gone.code, "may not use that database" in gone.err) == (4, True)
    told = einmal("dedupe", "--url", url(WRITTEN), "--apply")
    assert (told.code, "may not do that; grant it SELECT; for a repair INSERT, UPDATE" in told.err) == (4, True)
    assert PASSWORD not in gone.err + told.err


def test_postgres_users(postgres: TableBase, einmal: Operator) -> None:
    """The same there."""
    postgres.create()
    postgres.incident()
    server, name = the_postgres(), postgres.url.rpartition("/")[2]
    rules = server.folder / "data" / "pg_hba.conf"
    if "salon" not in rules.read_text():
        rules.write_text(f"host all salon 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        postgres.run(f"CREATE ROLE salon LOGIN PASSWORD '{PASSWORD}'")
        postgres.run("SELECT pg_reload_conf()")
    postgres.run("GRANT SELECT ON appointments TO salon")
    postgres.run("GRANT USAGE ON SCHEMA public TO salon")

    def url(password: str, database: str = name) -> str:
        return f"postgresql://salon:{password}@127.0.0.1:{server.port}/{database}"

    wrong = einmal("audit", "--url", url("falsch"))
    assert (wrong.code, "the password is wrong" in wrong.err) == (4, True), wrong.err
    assert "falsch" not in wrong.err
    right = einmal("audit", "--url", url(WRITTEN))
    assert right.code == 1, right.err
    gone = einmal("audit", "--url", url(WRITTEN, "gone"))
    assert (gone.code, "there is no such database" in gone.err) == (4, True)
    told = einmal("dedupe", "--url", url(WRITTEN), "--apply")
    assert (told.code, "may not do that; grant it SELECT" in told.err) == (4, True), told.err
    assert PASSWORD not in gone.err + told.err + right.out
