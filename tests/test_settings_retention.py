"""How long an appointment's person is known: days, or for ever, and nothing in between."""

from datetime import timedelta

import pytest

from einmal.settings import BadSettings, read_settings


@pytest.mark.parametrize(
    ("text", "kept_for"),
    [
        ("", timedelta(days=30)),
        ("1", timedelta(days=1)),
        (" 90 ", timedelta(days=90)),
        ("3650", timedelta(days=3650)),
        ("0", None),
    ],
)
def test_days_or_for_ever(text: str, kept_for: timedelta | None) -> None:
    assert read_settings({"EINMAL_RETENTION_DAYS": text}).kept_for == kept_for


@pytest.mark.parametrize("text", ["-1", "0.5", "30d", "never", "3651", "1e2", "99999999999"])
def test_anything_else_is_said_to_be_wrong(text: str) -> None:
    """A word that was meant as a limit must not become none."""
    with pytest.raises(BadSettings) as wrong:
        read_settings({"EINMAL_RETENTION_DAYS": text})
    assert wrong.value.problems == [
        "EINMAL_RETENTION_DAYS: must be a whole number of days from 1 to 3650, or 0 for ever"
    ]
