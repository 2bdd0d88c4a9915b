"""Fixtures of what looks into tables of other programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tables import TABLE_BASES, Operator, TableBase


@pytest.fixture(params=TABLE_BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableBase]:
    """An empty database of each kind."""
    with TABLE_BASES[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[TableBase]:
    with TABLE_BASES["mariadb"](tmp_path) as made:
        yield made


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[TableBase]:
    with TABLE_BASES["postgres"](tmp_path) as made:
        yield made


@pytest.fixture
def einmal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A terminal without settings."""
    for name in ("EINMAL_DATABASE_URL", "EINMAL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return Operator(capsys)
