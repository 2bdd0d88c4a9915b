"""What a page names in passing exists too: a command of Einmal's with its options, a target of make."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from einmal.entrypoints.cli.main import _parser
from support.pages import ROOT, blocks

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), ROOT / "deploy" / "README.md"]


def named(path: Path, command: str) -> Iterator[str]:
    """In a line of text, and at the beginning of a line of a block of commands."""
    yield from re.findall(rf"`(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?{command} ([^`\n]+)`", path.read_text("utf-8"))
    for block in blocks(str(path.relative_to(ROOT))):
        if block.commands:
            yield from re.findall(rf"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?{command} (.+)$", block.text, re.MULTILINE)


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def is_known(words: list[str]) -> bool:
    """Whether there is such a command, or a group, and each option. `a|b` stands for either, COMMAND for any."""
    parser = _parser()
    if words[0] == "COMMAND":
        return words[1:] == ["--help"]
    while words and choices(parser):
        name, *words = words
        first, *others = name.split("|")
        if any(one not in choices(parser) for one in (first, *others)):
            return name.startswith("-") and name in parser.format_help()
        parser = choices(parser)[first]
    options = [word.strip("[]").partition("=")[0] for word in words if word.strip("[").startswith("--")]
    return all(option in parser.format_help() for option in options)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    """`einmal ...` as its parser reads it, `make ...` as the Makefile has it."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for command in named(page, "einmal"):
        assert is_known(shlex.split(command.partition("#")[0].partition(" > ")[0], posix=True)), command
    for command in named(page, "make"):
        assert command.split()[0] in targets, command


def test_a_command_that_there_is_not_is_found() -> None:
    """The check can fail."""
    assert is_known(["reconcile", "--dry-run"])
    assert not is_known(["reconcile", "--wet-run"])
    assert not is_known(["reconcille"])
    assert not is_known(["intents", "lost"])
