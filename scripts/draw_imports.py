"""Draws docs/assets/imports.svg from the code: who imports whom. `make docs` writes it; a test holds the two together.

A square for each pair that is joined: the row imports the column. The order is that of the floors, so what points down
stands below the diagonal, and an import that points up would stand out above it.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Final

import grimp

TARGET: Final = Path(__file__).parent.parent / "docs" / "assets" / "imports.svg"

# What is drawn as one, from the ground up. A test of this file fails when a module belongs to none.
PLACES: Final = (
    ("domain", 0),
    ("secret", 0),
    ("ports", 1),
    ("speech", 1),
    ("flows", 2),
    ("adapters", 2),
    ("adapters.functions", 2),
    ("adapters.retell", 2),
    ("adapters.vapi", 2),
    ("adapters.elevenlabs", 2),
    ("adapters.rest", 2),
    ("adapters.calcom", 2),
    ("adapters.sql", 2),
    ("adapters.tables", 2),
    ("adapters.notify", 2),
    ("adapters.report", 2),
    ("adapters.telemetry", 2),
    ("configuration", 3),
    ("settings", 3),
    ("wiring", 3),
    ("entrypoints.http", 4),
    ("library", 4),
    ("entrypoints.mcp", 4),
    ("entrypoints.rest", 4),
    ("entrypoints.evidence", 4),
    ("entrypoints.web", 4),
    ("simulator", 4),
    ("entrypoints.lab", 4),
    ("entrypoints.cli", 4),
)

# What stands in a file of its own beside the folders.
WITH: Final = {
    "extras": "secret",
    "sealed": "secret",
    "edge": "settings",
    "tenancies": "wiring",
    "assembly": "wiring",
    "beside": "wiring",
    "couriers": "wiring",
    "share": "wiring",
    "weekly": "wiring",
}
OUTSIDE: Final = frozenset({"einmal", "einmal.__main__", "einmal.entrypoints"})

CELL, LEFT, TOP, RIGHT = 22, 170, 132, 76
TONES: Final = ("#dbe7f5", "#b9d3ee", "#8fb8e2", "#5f97d0", "#2f6fb0")


def place_of(module: str) -> str | None:
    """Where a module is drawn; None for the root, which is in all. Raises LookupError if it is nowhere."""
    if module in OUTSIDE:
        return None
    path = module.removeprefix("einmal.")
    for name in sorted((name for name, _ in PLACES), key=len, reverse=True):
        if path == name or path.startswith(f"{name}."):
            return name
    named = WITH.get(path.split(".")[0])
    if named is None:
        raise LookupError(f"{module} is on no floor of scripts/draw_imports.py")
    return named


def imports() -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """How many imports lead from one place to another, and how many modules each has."""
    graph = grimp.build_graph("einmal", cache_dir=None)
    lead: Counter[tuple[str, str]] = Counter()
    modules: Counter[str] = Counter()
    for module in sorted(graph.modules):
        here = place_of(module)
        if here is None:
            continue
        modules[here] += 1
        for other in graph.find_modules_directly_imported_by(module):
            there = place_of(other)
            if there is not None and there != here:
                lead[here, there] += 1
    return lead, modules


def drawn() -> str:
    """The whole picture."""
    lead, modules = imports()
    names = [name for name, _ in PLACES]
    side = CELL * len(names)
    width, height = LEFT + side + RIGHT, TOP + side + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<title>Who imports whom: each row imports its columns; all of it points down</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (name, floor) in enumerate(PLACES):
        at = TOP + number * CELL
        if floor % 2 == 0:
            lines.append(f'<rect x="0" y="{at}" width="{LEFT + side}" height="{CELL}" fill="#f6f6f3"/>')
        lines.append(
            f'<text x="{LEFT - 8}" y="{at + 15}" text-anchor="end" font-size="12" fill="#222222">{name} '
            f'<tspan fill="#767676">{modules[name]}</tspan></text>'
        )
        x = LEFT + number * CELL + 15
        lines.append(
            f'<text transform="translate({x} {TOP - 8}) rotate(-60)" font-size="12" fill="#222222">{name}</text>'
        )
    for floor in sorted({floor for _, floor in PLACES}):
        first = next(number for number, (_, one) in enumerate(PLACES) if one == floor)
        lines.append(f'<text x="6" y="{TOP + first * CELL + 15}" font-size="12" fill="#767676">{floor}</text>')
    lines.append(f'<line x1="{LEFT}" y1="{TOP}" x2="{LEFT + side}" y2="{TOP + side}" stroke="#c8c8c4"/>')
    for (here, there), count in sorted(lead.items()):
        x, y = LEFT + names.index(there) * CELL, TOP + names.index(here) * CELL
        tone = TONES[sum(count > limit for limit in (2, 8, 20, 60))]
        ink = "#ffffff" if tone in TONES[3:] else "#222222"
        lines.append(f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" rx="2" fill="{tone}"/>')
        lines.append(
            f'<text x="{x + CELL / 2:g}" y="{y + 15}" text-anchor="middle" font-size="9" fill="{ink}">{count}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    TARGET.write_text(drawn(), encoding="utf-8")
    print(f"wrote {TARGET.name}", file=sys.stderr)
