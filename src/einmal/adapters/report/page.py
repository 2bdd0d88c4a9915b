"""The report as an e-mail: one column, styles in the tags, nothing fetched from anywhere.

Mail programs drop style sheets, scripts and pictures, and a phone shows what is 320 points wide. Whatever is text is
escaped where it is put in: markup is only what `Markup` says it is.
"""

from html import escape
from typing import Final

from einmal.adapters.report.content import Table, content_of
from einmal.domain.report import Report

_FONT: Final = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _PALE, _LINE, _GOOD, _BAD = "#1a1a1a", "#5c5c5c", "#dddddd", "#1b6b33", "#b3261e"


class Markup(str):
    """HTML that is meant as such."""

    __slots__ = ()


def as_html(report: Report) -> str:
    content = content_of(report)
    standing = f"font-weight:bold;color:{_GOOD if content.fine else _BAD};margin:16px 0"
    parts = [
        tag("h1", content.title, style="font-size:20px;margin:0 0 4px"),
        tag("p", content.about, style=f"color:{_PALE};margin:0"),
        tag("p", content.standing, style=standing),
        *(part for table in content.tables for part in _table(table)),
    ]
    if content.next_steps:
        steps = (tag("li", step, style="margin:4px 0") for step in content.next_steps)
        parts += [tag("h2", "Next", style=_HEADING), tag("ul", *steps, style="margin:0;padding-left:20px")]
    body = tag("div", *parts, style=f"max-width:600px;margin:0 auto;padding:16px;color:{_INK};{_FONT};font-size:15px")
    head = tag("head", Markup(_HEAD), tag("title", content.title))
    page = tag("body", body, style="margin:0;padding:0;background:#ffffff")
    return "<!doctype html>\n" + tag("html", head, page, lang="en")


_HEADING: Final = "font-size:16px;margin:24px 0 4px"

_HEAD: Final = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light">'
)


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """An element. Its children are text, unless they are Markup."""
    told = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{told}>{inner}</{name}>")


def _table(table: Table) -> tuple[Markup, ...]:
    head = tag("tr", *(_cell("th", name, at, _PALE) for at, name in enumerate(table.columns)))
    rows = (
        tag("tr", *(_cell("td", cell, at, _BAD if number in table.wrong else _INK) for at, cell in enumerate(row)))
        for number, row in enumerate(table.rows)
    )
    # Wider than the screen it would shrink all the rest: names break, figures do not.
    shown = tag("table", tag("thead", head), tag("tbody", *rows), style="border-collapse:collapse;width:100%")
    notes = (tag("p", note, style=f"color:{_PALE};font-size:13px;margin:4px 0 0") for note in table.notes)
    return tag("h2", table.title, style=_HEADING), shown, *notes


def _cell(name: str, text: str, at: int, colour: str) -> Markup:
    side = "left" if at == 0 else "right"
    # A figure is never broken; words may be, and so all fits on a phone.
    whole = ";white-space:nowrap" if at and any(one.isdigit() for one in text) else ""
    indent = "12px" if at == 0 and text.startswith("  ") else "0" if at == 0 else "6px"
    edge = f"border-bottom:1px solid {_LINE};padding:4px 0 4px {indent};vertical-align:bottom"
    size = "12px;font-weight:normal" if name == "th" else "13px"
    return tag(name, text.strip(), style=f"text-align:{side};{edge};font-size:{size};color:{colour}{whole}")
