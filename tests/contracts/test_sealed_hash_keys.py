"""The key of a tenant's hashes at rest: sealed where there is a key to seal it, and never made anew in its place.

With another one every repeat of a wish would be a new wish, and be booked.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.sql.migrate import downgrade, schema_version
from einmal.adapters.sql.tenants import SealedAway
from einmal.adapters.system import SystemIds
from einmal.sealed import Keyring, new_key, read_keys
from support.evidence import NOW
from support.sql import BASES, SqlBase, as_role

OLD, NEW, STRANGE = (read_keys(new_key())[0] for _ in range(3))
PLAIN, SEALED = "hash_key", "hash_key_sealed"


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        yield made


def opened(base: SqlBase, *keys: object) -> SqlLedger:
    ring = Keyring(keys)  # type: ignore[arg-type]
    made: SqlLedger
    if isinstance(base.where, Path):
        made = SqliteLedger(base.where, SystemIds(), keyring=ring)
    else:
        made = PostgresLedger(as_role(base.where, "einmal_app"), SystemIds(), keyring=ring)
    made.open()
    base.stack.callback(made.close)
    return made


async def hash_key(base: SqlBase, *keys: object, tenant: str = "salon") -> bytes:
    """As at a start of a gateway with these keys."""
    return await opened(base, *keys).ensure_tenant(tenant, tenant, (), NOW)


def stored(base: SqlBase, tenant: str = "salon") -> tuple[object, ...]:
    (row,) = base.run(f"SELECT {PLAIN}, {SEALED} FROM tenants WHERE tenant_id = '{tenant}'")  # noqa: S608 - ours
    return row


async def test_a_new_key_is_born_sealed(base: SqlBase) -> None:
    """It never lies there plain, and is the same at every later start."""
    key = await hash_key(base, OLD)
    plain, sealed = stored(base)
    assert plain is None
    assert str(sealed).startswith("sealed:v1:")
    assert await hash_key(base, OLD) == key
    assert len(key) == 32


async def test_without_a_key_it_lies_plain_as_before(base: SqlBase) -> None:
    """Nobody has to have one (control: then it stands in a dump)."""
    key = await hash_key(base)
    plain, sealed = stored(base)
    assert bytes(plain) == key  # type: ignore[call-overload]
    assert sealed is None


async def test_a_plain_one_is_sealed_at_the_next_start_and_stays_the_same(base: SqlBase) -> None:
    """What was booked before is found afterwards."""
    key = await hash_key(base)
    assert await hash_key(base, OLD) == key
    assert stored(base)[0] is None
    assert await opened(base, OLD).importing.hash_key("salon") == key


async def test_of_a_plain_one_the_files_keep_nothing(base: SqlBase) -> None:
    """A copy of the file alone, while a gateway runs, has it no more (control: before, it has); or the row there."""
    key = await hash_key(base)
    assert lies_open(base, key)
    running = opened(base, OLD)
    assert await running.ensure_tenant("salon", "salon", (), NOW) == key
    assert not lies_open(base, key)


def lies_open(base: SqlBase, key: bytes) -> bool:
    if isinstance(base.where, Path):
        return any(key in file.read_bytes() for file in base.where.parent.glob(f"{base.where.name}*"))
    return stored(base)[0] == key


@pytest.mark.parametrize("keys", [(), (STRANGE,)], ids=["lost", "wrong"])
async def test_a_lost_and_a_wrong_key_are_an_error_and_nothing_is_written(
    base: SqlBase, keys: tuple[object, ...]
) -> None:
    """Neither a new hash key nor a new name; with the right one all is as it was."""
    key = await hash_key(base, OLD)
    before = base.run("SELECT * FROM tenants")
    with pytest.raises(SealedAway, match="the key of the hashes of salon does not open: it is sealed with the key"):
        await opened(base, *keys).ensure_tenant("salon", "Another name", (), NOW)
    with pytest.raises(SealedAway):
        await opened(base, *keys).importing.hash_key("salon")
    assert base.run("SELECT * FROM tenants") == before
    assert await hash_key(base, OLD) == key


async def test_what_is_sealed_is_one_tenants(base: SqlBase) -> None:
    """Copied into another tenant's row it does not open."""
    await hash_key(base, OLD)
    await hash_key(base, OLD, tenant="other")
    base.run(f"UPDATE tenants SET {SEALED} = (SELECT {SEALED} FROM tenants WHERE tenant_id = 'salon')")  # noqa: S608
    with pytest.raises(SealedAway, match="the key of the hashes of other does not open: it was changed, or sealed for"):
        await hash_key(base, OLD, tenant="other")


async def test_a_rotation_leaves_every_key_as_it_was(base: SqlBase) -> None:
    """Both known, all sealed anew, the old one forgotten; sealed anew once more, nothing changes."""
    keys = [await hash_key(base, *ring, tenant=one) for one, ring in (("salon", ()), ("other", (OLD,)))]
    ledger = opened(base, NEW, OLD)
    assert await ledger.sealed_anew() == (2, 2)
    assert await ledger.sealed_anew() == (2, 0)
    assert [await hash_key(base, NEW, tenant=one) for one in ("salon", "other")] == keys
    with pytest.raises(SealedAway):
        await hash_key(base, OLD)


async def test_of_several_all_are_sealed_anew_or_none(base: SqlBase) -> None:
    """One that does not open stops the whole of it."""
    await hash_key(base, OLD, tenant="a_first")
    await hash_key(base, STRANGE, tenant="b_second")
    before = base.run("SELECT * FROM tenants")
    with pytest.raises(SealedAway, match="hashes of b_second"):
        await opened(base, NEW, OLD).sealed_anew()
    assert sorted(base.run("SELECT * FROM tenants"), key=str) == sorted(before, key=str)


async def test_gateways_that_start_while_it_is_rotated_have_one_key(base: SqlBase) -> None:
    """Of ten that start at once on an empty row, half before the rotation and half in it, beside two that rotate."""
    first = await hash_key(base)
    starts = [hash_key(base, NEW, OLD) for _ in range(5)] + [hash_key(base, OLD, NEW) for _ in range(5)]
    rotations = [opened(base, NEW, OLD).sealed_anew() for _ in range(2)]
    found = await asyncio.gather(*starts, *rotations)
    assert set(found[:10]) == {first}
    assert await hash_key(base, NEW, OLD) == first


async def test_the_first_of_several_makes_it_and_the_others_take_it(base: SqlBase) -> None:
    """On no row at all: one key is born, whoever was first."""
    found = await asyncio.gather(*(hash_key(base, OLD) for _ in range(8)))
    assert len(set(found)) == 1


async def test_two_that_look_before_they_write_would_have_two_keys(base: SqlBase) -> None:
    """Control: the same race with the look apart from the write. Who wrote first goes on with a key that is gone."""
    assert [await opened(base, OLD).importing.hash_key("salon") for _ in range(2)] == [None, None]
    for made in ("11", "22"):
        key = f"x'{made}'" if isinstance(base.where, Path) else f"'\\x{made}'::bytea"
        base.run(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at) "  # noqa: S608 - ours
            f"VALUES ('salon', 'salon', {key}, '-') ON CONFLICT (tenant_id) DO UPDATE SET hash_key = excluded.hash_key"
        )
    assert await hash_key(base, OLD) == b"\x22"


async def test_the_database_keeps_one_form_of_it(base: SqlBase) -> None:
    """Neither both nor none: a row without a key would be given a new one."""
    await hash_key(base, OLD)
    for change in (f"{SEALED} = NULL", f"{PLAIN} = ''"):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError), match="one_hash_key"):
            base.run(f"UPDATE tenants SET {change}")  # noqa: S608 - ours


async def test_an_older_version_takes_nothing_sealed_for_a_key(base: SqlBase) -> None:
    """It reads the column that it knows, finds nothing there, and ends; and no step goes back below the seal."""
    await hash_key(base, OLD)
    (row,) = base.run(f"SELECT {PLAIN} FROM tenants WHERE tenant_id = 'salon'")  # noqa: S608 - ours
    with pytest.raises(TypeError):
        bytes(row[0])
    version = schema_version(base.where)
    with pytest.raises(RuntimeError, match="1 keys of hashes lie sealed"):
        downgrade(base.where, "0010")
    assert schema_version(base.where) == version
