"""docs/reference/commands.md: every command and option, from the parser that reads them."""
# ruff: noqa: SLF001 - argparse has no public way to what it was told

import argparse
from collections.abc import Iterator
from typing import Any

from reference_parts import cell, code, described, page, table

from einmal.entrypoints.cli.main import _parser


def commands_page() -> str:
    parts: list[str | list[str]] = [
        "From a clone a command is `.venv/bin/einmal`. `einmal COMMAND --help` says the same at the terminal.",
        table(
            ("exit code", "means"),
            (
                ("0", "fine"),
                ("1", "found something: duplicates, violations, somebody who waits (it wins over 3)"),
                ("2", "used wrongly, or a setting is not right"),
                ("3", "the UNIQUE index of layer 4 is missing"),
                ("4", "could not look, or could not start"),
                ("130, 141", "stopped by Ctrl-C; nobody read what it printed to the end"),
            ),
        ),
    ]
    for words, parser, told in _commands(_parser(), "einmal"):
        parts += [f"## {words}", told]
        positional = [one for one in _own(parser) if not one.option_strings]
        options = [one for one in _own(parser) if one.option_strings]
        usage = " ".join([words, *(_word(one) for one in positional), *(["[options]"] if options else [])])
        parts.append(["```text", usage, "```"])
        rows = [(_named(one), cell(_text(one, f"{words} {_named(one)}"))) for one in [*positional, *options]]
        if rows:
            parts.append(table(("", "what it is"), rows))
    return page("Commands", *parts)


def _commands(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Each command that does something, with what its list says of it."""
    for group in _groups(parser):
        told = {one.dest: one.help for one in group._choices_actions}
        for name, below in group.choices.items():
            inner = f"{words} {name}"
            if _groups(below):
                yield from _commands(below, inner)
            else:
                text = described(told.get(name), inner)
                yield inner, below, text[0].upper() + text[1:] + ("" if text.endswith(("?", ".")) else ".")


def _groups(parser: argparse.ArgumentParser) -> list[Any]:
    return [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]


def _own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if not isinstance(one, argparse._HelpAction | argparse._SubParsersAction)]


def _word(one: argparse.Action) -> str:
    name = one.metavar if isinstance(one.metavar, str) else one.dest.upper()
    if one.choices is not None:
        name = "|".join(map(str, one.choices))
    return f"[{name}]" if one.nargs == "?" else name


def _named(one: argparse.Action) -> str:
    if not one.option_strings:
        return code(_word(one))
    value = "" if one.nargs == 0 else f" {_word(one)}"
    return code(", ".join(one.option_strings) + value)


def _text(one: argparse.Action, what: str) -> str:
    return described(one.help, what).replace("%(default)s", str(one.default)).replace("%%", "%")
