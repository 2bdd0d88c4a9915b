"""The report for a terminal, and for whoever reads mail as plain text."""

from io import StringIO
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from einmal.adapters.report.content import Content, Table, content_of
from einmal.domain.report import Report

MAIL_COLUMNS: Final = 76


def print_report(report: Report, console: Console) -> None:
    content = content_of(report)
    console.print(Text(content.title, "bold"))
    console.print(Text(content.about))
    console.print()
    console.print(Text(content.standing, "bold green" if content.fine else "bold red"))
    for table in content.tables:
        console.print()
        _print_table(table, console)
    if content.next_steps:
        console.print()
        console.print(Text("Next", "bold"))
        for step in content.next_steps:
            _print_step(step, console)


def as_text(report: Report) -> str:
    """Without colours, in lines that a mail program need not break."""
    stream = StringIO()
    print_report(report, Console(file=stream, width=MAIL_COLUMNS, color_system=None, force_terminal=False))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def as_short_text(report: Report) -> str:
    """A few lines, for a channel where people chat: how it stands, and the goals."""
    content = content_of(report)
    goals = [" ".join(filter(None, row)) for row in _goals(content)]
    return "\n".join([content.title, content.about, content.standing, *goals, *content.next_steps])


def _goals(content: Content) -> list[tuple[str, ...]]:
    """Each with its figure, its goal and whether that is met."""
    if not content.tables:
        return []
    return [(f"{name}:", now, f"(goal {goal})", standing) for name, now, _, goal, standing in content.tables[0].rows]


def _print_table(table: Table, console: Console) -> None:
    shown = RichTable(box=None, pad_edge=False, title=None, header_style="")
    for at, column in enumerate((table.title, *table.columns[1:])):
        # The names give way where it is narrow, never the figures.
        style = "bold" if at == 0 else "dim"
        shown.add_column(
            Text(column, style), justify="left" if at == 0 else "right", no_wrap=at > 0, min_width=26 if at == 0 else 9
        )
    for at, row in enumerate(table.rows):
        shown.add_row(*(Text(cell) for cell in row), style="red" if at in table.wrong else None)
    console.print(shown)
    for note in table.notes:
        console.print(Text(note, "dim"))


def _print_step(step: str, console: Console) -> None:
    line = RichTable.grid(padding=(0, 1))
    line.add_row("-", Text(step))
    console.print(line)
