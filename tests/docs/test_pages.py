"""The runner of the pages by itself: what a page says wrongly is found, and what it says rightly is not."""

from pathlib import Path

import pytest

from support.pages import terminal


def test_what_is_shown_must_be_printed_in_its_order(tmp_path: Path) -> None:
    """… stands for anything within a line, and lines between are nobody's business; else it is wrong."""
    with terminal(tmp_path, {"HOST": "salon"}) as typed:
        typed.run("echo 'one'; echo 'between'; echo 'two is salon, at 10:15'")
        typed.compare("one\ntwo is HOST, at …\n")
        for wrong in ("two is HOST, at …\none\n", "three\n", "on\n"):
            with pytest.raises(AssertionError, match="not printed"):
                typed.compare(wrong)


def test_a_command_that_fails_is_found_wherever_it_stands(tmp_path: Path) -> None:
    """Also before another that does not; and one that should fail and does not, too."""
    with terminal(tmp_path, {}) as typed:
        typed.run("true\nexit 3", 3)
        for wrong, code in (("false\ntrue", 0), ("true", 1), ("no-such-command", 0)):
            with pytest.raises(AssertionError, match="ended with"):
                typed.run(wrong, code)


def test_what_is_exported_is_there_in_the_next_block(tmp_path: Path) -> None:
    """As in one terminal; and what is taken back is gone."""
    with terminal(tmp_path, {}, GIVEN="yes") as typed:
        typed.run("export SALON='Salon \"Nord\"'")
        typed.run('echo "$SALON $GIVEN"')
        typed.compare('Salon "Nord" yes\n')
        typed.run("unset SALON")
        typed.run('echo "it is <$SALON>"')
        typed.compare("it is <>\n")


def test_what_goes_on_is_awaited_and_stopped(tmp_path: Path) -> None:
    """And what ends instead of going on is found."""
    with terminal(tmp_path, {}) as typed:
        typed.keep("echo ready; sleep 600", "ready")
        with pytest.raises(AssertionError, match="ended at once"):
            typed.keep("echo no", "ready")
    assert all(process.poll() is not None for process in typed.running)
