"""Every kind of value comes back as it was: it is read and written in the database's own words, not a driver's."""

import pytest

from support.tables import UID, Operator, TableBase

COLUMNS = {
    "sqlite": "big INTEGER, part REAL, odd REAL, raw BLOB, mixed, half TEXT GENERATED ALWAYS AS (big / 2) VIRTUAL",
    "postgres": """
        nr bigint GENERATED ALWAYS AS IDENTITY, "a:b" interval, part real, sum numeric(30,10), raw bytea, many text[],
        doc jsonb, at timestamptz, day date, uid uuid, addr inet, span int4range, flag boolean, word varchar(20),
        kind salon_kind, twice bigint GENERATED ALWAYS AS (id * 2) STORED""",
    "mariadb": """
        part FLOAT, full_ DOUBLE, sum DECIMAL(30,10), raw BLOB, bits BIT(12), doc JSON, day DATE, at TIMESTAMP(3) NULL,
        long_ago TIME(6), kind ENUM('cut','dye'), both_ SET('a','b'), year_ YEAR,
        word VARCHAR(50) CHARACTER SET latin1, flag BOOLEAN,
        changed TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), point_ POINT,
        twice BIGINT AS (id * 2) STORED""",
}
NAMES = {
    "sqlite": "big, part, odd, raw, mixed",
    "postgres": '"a:b", part, sum, raw, many, doc, at, day, uid, addr, span, flag, word, kind',
    "mariadb": "part, full_, sum, raw, bits, doc, day, at, long_ago, kind, both_, year_, word, flag, changed, point_",
}
VALUES = {
    "sqlite": "9007199254740993, 0.1, 9e999, x'00ff27', 'Größe ''x'' \n \\ 😀'",
    "postgres": r"""
        '1 mon 3 days 00:00:01', 0.1, 12345678901234567890.1234567890, '\x00ff27', '{"a,b",NULL,"Größe"}',
        '{"b":1.50,"a":[null]}', 'infinity', '0044-03-15 BC', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.0/8',
        '[1,5)', true, 'x''y', 'cut'""",
    "mariadb": r"""
        0.1, 0.1, 12345678901234567890.1234567890, x'00ff27', b'101', '{"b":1.50}', '0000-00-00',
        '2026-10-25 00:30:00.123', '-838:59:58.999999', 'cut', 'a,b', 2026, 'Größe \\ ''x''', TRUE,
        '2026-01-01 00:00:00', POINT(1,2)""",
}
EXACTLY = {
    # In the database's own words: a driver's would hide what is lost.
    "sqlite": "*, typeof(mixed)",
    "postgres": "id, appointments::text",
    "mariadb": "id, appointments.*, part + 0e0, CAST(day AS CHAR), CAST(long_ago AS CHAR), HEX(word)",
}
NUMBER = {"sqlite": "INTEGER", "postgres": "bigint", "mariadb": "BIGINT"}


@pytest.mark.parametrize("how", [(), ("--delete",)], ids=["cancelled", "deleted"])
def test_every_kind_of_value_comes_back_as_it_was(base: TableBase, einmal: Operator, how: tuple[str, ...]) -> None:
    """Parts of seconds, floats, dates of zeros, months, bytes; what a database works out it works out again."""
    kind = base.kind
    lenient = "SET sql_mode = ''; " if kind == "mariadb" else ""
    if kind == "postgres":
        base.run("CREATE TYPE salon_kind AS ENUM ('cut', 'dye')")
    base.run(
        f"CREATE TABLE appointments (id {NUMBER[kind]} PRIMARY KEY, calcom_v2_booking_id VARCHAR(50), "
        f"status VARCHAR(20), created_at VARCHAR(40), {COLUMNS[kind]})"
    )
    for row in (642, 643):
        base.run(
            f"{lenient}INSERT INTO appointments (id, calcom_v2_booking_id, status, created_at, {NAMES[kind]}) "  # noqa: S608 - the tests' own
            f"VALUES ({row}, '{UID}', 'confirmed', '2026-10-06T09:05:{row - 600}Z', {VALUES[kind]})"
        )
    before = base.rows(EXACTLY[kind])
    assert len(before) == 2
    done = einmal("dedupe", "--url", base.url, "--apply", *how)
    assert done.code == 0, done.err
    assert base.rows(EXACTLY[kind]) != before
    undone = einmal("dedupe", "--url", base.url, "--undo")
    assert undone.code == 0, undone.err
    assert base.rows(EXACTLY[kind]) == before
