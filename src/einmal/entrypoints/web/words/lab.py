"""The words of the page: lab."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {}
