"""The states of an intent as a picture: each arrow is of the table of moves. No page fetches a library to draw it.

It has its own ground, light on light and dark pages alike, for a picture cannot know which one it stands on.
"""

from collections.abc import Iterator
from typing import Final

from einmal.domain.intent import MOVES, UNRESOLVED, State

WIDTH: Final = 1010
HEIGHT: Final = 500
HALF_WIDTH: Final = 60
HALF_HEIGHT: Final = 18

PLACES: Final[dict[State, tuple[int, int]]] = {
    State.INTENT: (80, 230),
    State.SENT: (250, 230),
    State.DOUBT: (420, 300),
    State.ESCALATED: (500, 385),
    State.CONFIRMED: (690, 70),
    State.PENDING: (690, 190),
    State.REJECTED: (730, 300),
    State.CANCELLED: (930, 45),
    State.MOVED: (930, 100),
    State.LOST: (930, 155),
    State.DECLINED: (930, 210),
    State.COMPENSATING: (930, 300),
    State.COMPENSATED: (930, 385),
}
STANDING: Final = frozenset({State.CONFIRMED, State.PENDING})

STYLE: Final = """
    text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-anchor: middle; fill: #1a1d21; }
    .word { text-anchor: start; fill: #565d66; }
    rect { stroke: #565d66; stroke-width: 1.2; fill: #eceef1; }
    .open { fill: #fdf2de; stroke: #8a5300; }
    .standing { fill: #e6f4ec; stroke: #17663a; }
    .ground { fill: #ffffff; stroke: none; }
    path { fill: none; stroke: #565d66; stroke-width: 1.4; }
    marker path { fill: #565d66; stroke: none; }
""".rstrip()

HEAD: Final = (
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>'
)


def picture() -> str:
    """The whole drawing, as SVG."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "  <title>The states of an intent, and the moves between them</title>",
            f"  <style>{STYLE}",
            "  </style>",
            HEAD,
            f'  <rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
            *_arrows(),
            *_boxes(),
            *_legend(),
            "</svg>\n",
        ]
    )


def _arrows() -> Iterator[str]:
    for state, moves in MOVES.items():
        for after in dict.fromkeys(moves.values()):
            why = ", ".join(event.value for event, to in moves.items() if to is after)
            told = f"<title>{state.value} to {after.value}: {why}</title>"
            yield f'  <path d="{_way(state, after)}" marker-end="url(#head)">{told}</path>'


def _way(state: State, after: State) -> str:
    (x, y), (to_x, to_y) = PLACES[state], PLACES[after]
    if (state, after) == (State.INTENT, State.REJECTED):  # beneath all others
        return f"M{x},{y + HALF_HEIGHT} C{x},560 {to_x},560 {to_x},{to_y + HALF_HEIGHT}"
    if x == to_x:
        side = HALF_HEIGHT if to_y > y else -HALF_HEIGHT
        return f"M{x},{y + side} L{to_x},{to_y - side}"
    aside = 7 if state in MOVES[after].values() else 0  # there and back
    if to_x < x:
        return f"M{x - HALF_WIDTH},{y + aside} L{to_x + HALF_WIDTH},{to_y + aside}"
    if to_x - x < 2 * HALF_WIDTH:  # down, and in from the side
        return f"M{x},{y + HALF_HEIGHT} Q{x},{to_y} {to_x - HALF_WIDTH},{to_y}"
    start, end = x + HALF_WIDTH, to_x - HALF_WIDTH
    bend = max(24, (end - start) // 2)
    return f"M{start},{y - aside} C{start + bend},{y - aside} {end - bend},{to_y - aside} {end},{to_y - aside}"


def _boxes() -> Iterator[str]:
    for state, (x, y) in PLACES.items():
        kind = "open" if state in UNRESOLVED else "standing" if state in STANDING else "ended"
        place = f'x="{x - HALF_WIDTH}" y="{y - HALF_HEIGHT}" width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}"'
        yield f'  <rect class="{kind}" {place} rx="7"/><text x="{x}" y="{y + 5}">{state.value}</text>'


def _legend() -> Iterator[str]:
    for number, (kind, word) in enumerate(
        (("open", "without an end yet"), ("standing", "a booking stands"), ("ended", "none stands, or no longer"))
    ):
        y = 26 + 26 * number
        yield f'  <rect class="{kind}" x="20" y="{y - 12}" width="24" height="16" rx="4"/>'
        yield f'  <text class="word" x="52" y="{y + 1}">{word}</text>'
