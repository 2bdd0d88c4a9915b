"""The pages' words, in German and English: a key, and what it is called in each."""

from typing import Final

from einmal.entrypoints.web.words import booking, common, desk, evidence, lab

LANGUAGES: Final = ("de", "en")

WORDS: Final[dict[str, tuple[str, str]]] = {
    **common.WORDS,
    **desk.WORDS,
    **evidence.WORDS,
    **booking.WORDS,
    **lab.WORDS,
}


class Words:
    """`t("key", name=value)` in a template. A key that is not there is a bug, and tests find it."""

    def __init__(self, language: str) -> None:
        self._at = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        return WORDS[key][self._at].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """The word for what the ledger calls by a word of its own; that word where there is none."""
        return WORDS[key][self._at] if key in WORDS else otherwise


def language_of(asked: str | None, kept: str | None, house: str) -> str:
    """What somebody has chosen, now or before; else what the house speaks."""
    return next(one for one in (asked, kept, house, "en") if one in LANGUAGES)
