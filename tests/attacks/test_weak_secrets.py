"""Secrets that somebody could guess: told on this machine, refused where the world may come in."""

import subprocess
import sys
from pathlib import Path

import pytest

from einmal.entrypoints.cli.serve import CannotStart, refuse_weak
from einmal.settings import read_settings
from einmal.settings.weak import weak_secrets

STRONG = "0f3a9c51d2e84b7796a1c0de"
WEAK = {"short": "letmein", "one-letter-less": "abcdefgh1234567", "one-letter": "a" * 40, "a-pattern": "abab" * 10}
NAMES = ("ADMIN_TOKEN", "READER_TOKEN", "MCP_SECRET", "VAPI_SECRET", "ELEVENLABS_SECRET")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("secret", WEAK.values(), ids=WEAK)
def test_a_weak_secret_is_told_by_its_name_and_keeps_the_door_shut(name: str, secret: str) -> None:
    """Off loopback the gateway does not start; on this machine it does. The secret itself is never quoted."""
    settings = read_settings({f"EINMAL_{name}": secret})
    (told,) = weak_secrets(settings)
    assert told.startswith(f"EINMAL_{name} ")
    assert secret not in told
    refuse_weak(settings, "127.0.0.1")
    with pytest.raises(CannotStart, match=f"EINMAL_{name}"):
        refuse_weak(settings, "0.0.0.0")  # noqa: S104 - nobody listens here


@pytest.mark.parametrize("name", NAMES)
def test_control_a_strong_one_opens_it(name: str) -> None:
    settings = read_settings({f"EINMAL_{name}": STRONG})
    assert weak_secrets(settings) == ()
    refuse_weak(settings, "0.0.0.0")  # noqa: S104 - nobody listens here


def test_one_weak_of_two_is_one_too_many() -> None:
    assert weak_secrets(read_settings({"EINMAL_VAPI_SECRET": f"{STRONG},letmein"}))


@pytest.mark.parametrize(("host", "code", "words"), [("0.0.0.0", 2, ""), ("127.0.0.1", 0, "WARNING: ")])  # noqa: S104
def test_config_check_tells_it_before_anything_is_started(tmp_path: Path, host: str, code: int, words: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "einmal", "config", "check"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "EINMAL_HOST": host, "EINMAL_ADMIN_TOKEN": "letmein"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code
    assert f"{words}EINMAL_ADMIN_TOKEN is easily guessed" in ended.stderr
    assert "letmein" not in ended.stderr + ended.stdout
