"""The suite's canary hears lines, labels, spans, tracebacks and other processes: its silence means something."""

import asyncio
import gc
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from einmal.adapters.telemetry.logs import channel
from einmal.adapters.telemetry.metrics import Metrics
from einmal.domain.facts import Alarm
from einmal.domain.gate import GatePolicy
from einmal.ports.overview import Figures
from support.canary import named_in, overheard
from support.spans import kept

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Jürgen Groß",
        "for JÜRGEN GROSS.",
        '"J\\u00fcrgen Gro\\u00df"',
        "name=J%C3%BCrgen+Gro%C3%9F&x=1",
        "/J%C3%BCrgen%20Gro%C3%9F",
        r"b'J\xc3\xbcrgen Gro\xc3\x9f'",
        "J\\xfcrgen Gro\\xdf",
        "juergen_anna weiss",
        "phone=%2B4930901820",
        "tel:+4930901820",
        "004930901820",
        "030901820",
        "+49 30 901820",
        "4930901820@sms.cal.com",
        "anna%40gast.test",
    ],
)
def test_somebody_is_found_in_whatever_form(text: str) -> None:
    assert named_in(text)


@pytest.mark.parametrize(
    "text", ["Jürgens", "wie groß", "01m80hjzqz19dbeez7h2hwhq8h", "949309018201", "nobody@salon.test"]
)
def test_what_only_looks_like_somebody_is_nobody(text: str) -> None:
    assert named_in(text) == []


def test_a_line_is_heard() -> None:
    with overheard() as found:
        channel("guard").info("refused", extra={"fields": {"why": "Jürgen Groß"}})
        logging.getLogger("somebody.else").warning("for %s", "+4930901820")
    assert len(found) == 2


def test_a_traceback_is_heard_where_it_is_written_whole() -> None:
    """Ours leaves out what an exception says. Others' do not: an error that nobody caught ends in theirs."""

    def broken() -> None:
        raise ValueError("no such customer: Jürgen Groß")

    try:
        broken()
    except ValueError:
        with overheard() as ours:
            channel("http").exception("function call failed")
        with overheard() as theirs:
            logging.getLogger("somebody.else").exception("it broke")
    assert ours == []
    assert len(theirs) == 1


async def test_a_task_that_nobody_asked_after_is_heard() -> None:
    async def broken() -> None:
        raise ValueError("Anna Weiß")

    with overheard() as found:
        task = asyncio.create_task(broken())
        await asyncio.sleep(0)
        del task
        gc.collect()
    assert len(found) == 1


def test_a_label_is_heard_when_it_is_scraped() -> None:
    metrics = Metrics("einmal", [], {})
    metrics.observe((Alarm(NOW, "Jürgen Groß", None),))
    with overheard() as found:
        metrics.scraped(Figures(), NOW, GatePolicy())
    assert len(found) == 1


def test_an_attribute_of_a_span_is_heard() -> None:
    traces, _ = kept()
    with overheard() as found, traces.arriving(None), traces.span("attempt", who="Jürgen Groß"):
        pass
    assert len(found) == 1


LEAKING = """
import logging
import pytest
from support.canary import CANARY, listen, nobody_is_named
listen()

@pytest.fixture
def late():
    yield
    logging.getLogger("einmal.guard").warning("Anna Weiß")

def test_clean(): logging.getLogger("einmal.guard").warning("fine")
def test_line(): logging.getLogger("einmal.guard").warning("Anna Weiß")
def test_late(late): pass
def test_other_process(): CANARY.hear("stderr", "Traceback: Jürgen Groß")
def test_clean_again(): pass
"""


def test_the_test_that_leaked_fails_and_no_other(tmp_path: Path) -> None:
    """And a fixture that is taken down after it belongs to it."""
    (tmp_path / "test_leaking.py").write_text(LEAKING, "utf-8")
    tests = Path(__file__).parents[1]
    words = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={tests}", "--rootdir", str(tmp_path), "-rE"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "5 passed, 3 errors" in done.stdout
    for name in ("test_line", "test_late", "test_other_process"):
        assert f"ERROR test_leaking.py::{name}" in done.stdout
