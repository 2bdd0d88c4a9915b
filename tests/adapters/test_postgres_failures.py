"""Every end of a commit told apart, on real PostgreSQL servers that are killed, and over a wire that is cut.

Nothing was written: LedgerUnavailable. Nobody knows: CommitUnknown. Only an answer is a commit.
"""

import asyncio
import socket
import traceback
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest

from einmal.adapters.sql import postgres_session
from einmal.adapters.sql.steps import Statement, Steps
from einmal.ports import CommitUnknown, LedgerUnavailable
from support.notes import TABLE, note, opened, until, written
from support.postgres import PostgresServer, postgres_server
from support.wire import Fate, wire

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
"""Sessions whose COMMIT waits for a standby."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Its own, to be killed. By default it tells of a commit seconds before that is on disk."""
    with postgres_server(synchronous_commit="off", wal_writer_delay="10s") as made:
        yield made
        made.kill()  # there is nothing to keep


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    """A primary whose standby is not there, so that a COMMIT waits for it. By default it would not wait."""
    with postgres_server(synchronous_standby_names="standby", synchronous_commit="local") as made:
        yield made
        made.kill()  # there is nothing to keep


@pytest.fixture
def url(server: PostgresServer) -> str:
    """A new database with a table for notes."""
    return with_notes(server)


@pytest.fixture
def lonely(primary: PostgresServer) -> Iterator[str]:
    """The same on the primary without its standby."""
    yield with_notes(primary)
    primary.run("postgres", f"SELECT pg_terminate_backend(pid) {WAITING}")


def with_notes(server: PostgresServer) -> str:
    made = server.create()
    server.run(database(made), TABLE)
    return made


def database(url: str) -> str:
    return url.rpartition("/")[2]


def notes(server: PostgresServer, url: str) -> list[str]:
    return server.run(database(url), "SELECT text FROM notes ORDER BY text").split()


# The server is not there -------------------------------------------------------------------------------------------


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nobody listens at its port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with opened(f"postgresql://postgres@127.0.0.1:{taken.getsockname()[1]}/none") as store:
            for way in (store.write, store.read, store.snapshot):
                with pytest.raises(LedgerUnavailable, match=r"^ConnectionRefusedError$"):
                    await way(note("refused"))


async def test_a_server_that_was_killed_is_unavailable_until_it_is_back(server: PostgresServer, url: str) -> None:
    """Killed between two transactions: the next one is refused, and later the same store works by itself."""
    async with opened(url) as store:
        await store.write(note("before"))
        server.kill()
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                await store.write(note("meanwhile"))
        server.start()
        await store.write(note("later"))
    assert notes(server, url) == ["before", "later"]


async def test_a_restart_that_nobody_saw_costs_nobody_anything(server: PostgresServer, url: str) -> None:
    """The sessions that ended meanwhile are not taken for good ones."""
    async with opened(url, 4) as store:
        await asyncio.gather(*(store.write(note(f"before-{number}", "SELECT pg_sleep(0.05)")) for number in range(4)))
        server.kill()
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*(store.write(note(f"later-{number}")) for number in range(4)))
    assert len(notes(server, url)) == 8


async def test_what_was_acknowledged_survives_kill_9(server: PostgresServer, url: str) -> None:
    """Under load: what was told stands, what was refused does not, and of the rest nobody was told anything."""
    told, refused = set[str](), set[str]()

    async def writes(who: int) -> None:
        for number in range(10_000):
            text = f"{who}-{number}"
            try:
                told.add(await store.write(note(text)))
            except LedgerUnavailable:
                refused.add(text)
                return
            except CommitUnknown:
                return

    async with opened(url) as store:
        writers = asyncio.gather(*(writes(who) for who in range(8)))
        await until(lambda: len(told) >= 100)
        await asyncio.to_thread(server.kill)
        await writers
    server.start()
    stands = set(notes(server, url))
    assert told <= stands
    assert not refused & stands


async def test_control_without_waiting_for_the_disk_it_does_not(server: PostgresServer, url: str) -> None:
    """A session with the server's own setting is told of commits that are lost; the store's stands."""
    async with opened(url) as store:
        await store.write(note("kept"))
    session = await asyncpg.connect(url)
    for number in range(20):
        assert await session.execute("INSERT INTO notes VALUES ($1)", f"lost-{number:02d}") == "INSERT 0 1"
    server.kill()
    session.terminate()
    server.start()
    stands = notes(server, url)
    assert "kept" in stands
    assert "lost-19" not in stands


async def test_a_session_that_is_ended_in_the_middle_has_written_nothing(server: PostgresServer, url: str) -> None:
    """By an administrator, before its COMMIT. The store goes on with another one."""
    async with opened(url) as store:
        with pytest.raises(LedgerUnavailable, match=r"57P01|08003"):
            await store.write(note("half", "SELECT pg_terminate_backend(pg_backend_pid())"))
        await store.write(note("after"))
    assert notes(server, url) == ["after"]


async def test_a_statement_without_an_answer_has_written_nothing(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is given up. Without its COMMIT nothing of it can stand."""
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 1.0)
    async with opened(url) as store:
        with pytest.raises(LedgerUnavailable, match=r"^TimeoutError$"):
            await store.write(note("half", "SELECT pg_sleep(2)"))
        await store.write(note("after"))
    assert notes(server, url) == ["after"]


async def test_a_wrong_password_is_unavailable_and_is_not_told(server: PostgresServer) -> None:
    """Neither in the text nor in the traceback. With the right one it works, so it was asked for."""
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all keyed 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    server.kill()
    server.start()
    url = with_notes(server)
    server.run(database(url), "CREATE ROLE keyed LOGIN PASSWORD 'richtig'")
    server.run(database(url), "GRANT ALL ON notes TO keyed")
    async with opened(url.replace("postgres@", "keyed:geheim@")) as store:
        with pytest.raises(LedgerUnavailable, match=r"^InvalidPasswordError 28P01$") as refused:
            await store.write(note("refused"))
    assert "geheim" not in "".join(traceback.format_exception(refused.value))
    async with opened(url.replace("postgres@", "keyed:richtig@")) as store:
        assert await store.write(note("let in")) == "let in"


# The wire is cut, or silent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "stands"),
    [(Fate.NEVER_SENT, []), (Fate.ANSWER_LOST, ["unknown"]), (Fate.SILENCE, ["unknown"])],
    ids=lambda value: value.name if isinstance(value, Fate) else "",
)
async def test_a_commit_without_an_answer_is_unknown(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch, fate: Fate, stands: list[str]
) -> None:
    """Whether the server had it or not; it is asked once, and no cancel follows it. Then the store goes on."""
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 1.0)
    async with wire(url) as (through, url_through), opened(url_through) as store:
        await store.write(note("known"))
        through.fate = fate
        with pytest.raises(CommitUnknown):
            await store.write(note("unknown"))
        through.fate = Fate.ANSWERED
        assert (through.commits, through.cancels) == (2, 0)
        assert notes(server, url) == ["known", *stands]
        await store.write(note("zzz"))
        assert notes(server, url) == ["known", *stands, "zzz"]


async def test_control_a_commit_that_is_cancelled_is_seen_on_the_wire(url: str) -> None:
    """As a plain time limit around it would do."""
    async with wire(url) as (through, url_through):
        session = await asyncpg.connect(url_through)
        await session.execute("BEGIN")
        through.fate = Fate.SILENCE
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.execute("COMMIT"), 0.05)
        await until(lambda: through.cancels > 0)
        session.terminate()


# The standby is not there ------------------------------------------------------------------------------------------


async def until_waiting(primary: PostgresServer) -> None:
    await until(lambda: primary.run("postgres", f"SELECT count(*) {WAITING}") == "1\n")


async def test_a_commit_that_waits_for_its_standby_is_not_told_to_stop(
    primary: PostgresServer, lonely: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer in time: unknown. The session goes on waiting, so that nobody sees what one server alone holds."""
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 1.0)
    async with opened(lonely) as store:
        with pytest.raises(CommitUnknown, match=r"^no answer to COMMIT$"):
            await store.write(note("unknown"))
        await asyncio.sleep(0.2)
        await until_waiting(primary)
        assert notes(primary, lonely) == []


async def test_a_caller_who_went_away_does_not_stop_it_either(primary: PostgresServer, lonely: str) -> None:
    """Cancelled while the COMMIT waits."""
    async with opened(lonely) as store:
        gone = asyncio.create_task(store.write(note("unknown")))
        await until_waiting(primary)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        await asyncio.sleep(0.2)
        await until_waiting(primary)
        assert notes(primary, lonely) == []


async def test_control_a_commit_that_is_cancelled_stands_on_one_server(primary: PostgresServer, lonely: str) -> None:
    """It is answered as if it had not needed its standby."""
    session = await asyncpg.connect(lonely, server_settings={"synchronous_commit": "on"})
    await session.execute("BEGIN; INSERT INTO notes VALUES ('alone')")
    gone = asyncio.create_task(session.execute("COMMIT"))
    await until_waiting(primary)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    await until(lambda: notes(primary, lonely) == ["alone"])
    await session.close()


async def test_a_wait_that_somebody_called_off_is_unknown(primary: PostgresServer, lonely: str) -> None:
    """The server answers COMMIT, and warns. The next commit is judged by itself."""
    async with opened(lonely) as store:
        waits = asyncio.create_task(store.write(note("alone")))
        await until_waiting(primary)
        primary.run("postgres", f"SELECT pg_cancel_backend(pid) {WAITING}")
        with pytest.raises(CommitUnknown, match="one server only"):
            await waits
        assert notes(primary, lonely) == ["alone"]


async def test_control_the_answer_alone_does_not_tell(primary: PostgresServer, lonely: str) -> None:
    """It is the same word as for a commit that has its standby."""
    session = await asyncpg.connect(lonely, server_settings={"synchronous_commit": "on"})
    await session.execute("BEGIN; INSERT INTO notes VALUES ('alone')")
    waits = asyncio.create_task(session.execute("COMMIT"))
    await until_waiting(primary)
    primary.run("postgres", f"SELECT pg_cancel_backend(pid) {WAITING}")
    assert await waits == "COMMIT"
    await session.close()


async def test_a_warning_before_the_commit_is_none_of_its_own(server: PostgresServer, url: str) -> None:
    """Such as one that a statement raised."""

    def work() -> Steps[None]:
        yield Statement("DO $$ BEGIN RAISE WARNING 'of the statement'; END $$")
        yield written("known")

    async with opened(url) as store:
        await store.write(work)
    assert notes(server, url) == ["known"]
