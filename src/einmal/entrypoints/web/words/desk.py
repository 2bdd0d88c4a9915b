"""The words of the page: desk."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {}
