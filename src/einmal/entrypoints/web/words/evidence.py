"""The words of the page: evidence."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {}
