"""How a command ends that nobody reads to its end, or that somebody stops: quietly, as a shell expects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from einmal.entrypoints.cli.ending import INTERRUPTED, READ_BY_NOBODY, ended


@pytest.mark.parametrize("words", [["db", "roles"], ["config", "check"], ["config", "example"], ["db", "version"]])
def test_a_reader_that_leaves_early_is_no_error(words: list[str], tmp_path: Path) -> None:
    """`einmal db roles | less`, and q: no stack, whether the output is long (seen in it) or short (seen at its end)."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "einmal", *words],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (READ_BY_NOBODY, "")


def test_who_stops_a_command_sees_no_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while a command is still being loaded, or where it has nothing to say of it: one line and 130."""

    def stopped() -> int:
        raise KeyboardInterrupt

    assert ended(stopped) == INTERRUPTED
    assert capsys.readouterr().err == "\neinmal: interrupted\n"


def test_a_pipe_that_breaks_elsewhere_is_not_hidden() -> None:
    """Only standard output may lose its reader: a connection that breaks unhandled is a bug, and is seen."""

    def broken() -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ended(broken)
