"""The words of the page: booking."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {}
