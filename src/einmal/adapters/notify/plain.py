"""What people said or called themselves, made fit for a line that goes out: a name is no header, no markup, no order of
letters of its own."""

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Line breaks, NUL, overrides of the writing's direction, lone surrogates: nobody's name needs one."""

TEXT_MAX: Final = 200


def plain(text: str, letters_max: int = TEXT_MAX) -> str:
    """The text in one line, without what is not seen, and no longer than this."""
    seen = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in text[: 4 * letters_max])
    line = " ".join(seen.split())
    return line if len(line) <= letters_max else line[: letters_max - 1].rstrip() + "…"
