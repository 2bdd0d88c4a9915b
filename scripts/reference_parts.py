"""What the pages of the reference are put together from: tables, and the rule that nothing is without a description."""

from collections.abc import Iterable, Sequence
from typing import Final

MADE: Final = "Made of the code by `make docs`: what stands here is what runs."


class Undescribed(Exception):
    """Something can be set, called or asked, and nobody wrote down what it is."""


def described(text: str | None, what: str) -> str:
    """A sentence, one line of it. Raises Undescribed where there is none."""
    if text is None or not text.strip():
        raise Undescribed(f"{what} has no description")
    return " ".join(text.split())


def cell(text: str) -> str:
    """As it may stand in a table: the bar would end the cell, and what looks like a tag would be one."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


def page(title: str, *parts: str | Sequence[str]) -> str:
    """A page of paragraphs and tables."""
    lines = [f"# {title}", "", MADE]
    for part in parts:
        lines += ["", *([part] if isinstance(part, str) else part)]
    return "\n".join(lines) + "\n"
