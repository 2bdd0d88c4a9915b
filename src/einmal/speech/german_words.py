"""The words of the German grammar, and German text as it reads it."""

import re
from typing import Final

from einmal.speech.grammar import alternatives
from einmal.speech.marks import OnFeast, Part
from einmal.speech.words import folded, german_digits

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            *("januar jaenner jan", "februar feber feb", "maerz mrz", "april apr", "mai", "juni juno jun"),
            *("juli julei jul", "august aug", "september sept sep", "oktober okt", "november nov", "dezember dez"),
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        ("montag mo", "dienstag di", "mittwoch mi", "donnerstag do", "freitag fr", "samstag sonnabend sa", "sonntag")
    )
    for name in names.split()
}
PARTS: Final = {
    **dict.fromkeys(("morgens", "frueh", "frueh morgens", "fruehmorgens", "am morgen", "in der frueh"), Part.MORNING),
    **dict.fromkeys(("vormittags", "vormittag", "am vormittag"), Part.FORENOON),
    **dict.fromkeys(("mittags", "mittag", "am mittag", "zu mittag"), Part.MIDDAY),
    **dict.fromkeys(("nachmittags", "nachmittag", "am nachmittag"), Part.AFTERNOON),
    **dict.fromkeys(("abends", "abend", "am abend"), Part.EVENING),
    **dict.fromkeys(("am fruehen morgen", "frueher morgen"), Part.MORNING),
    "nachts": Part.NIGHT,
}
FEASTS: Final = {
    **dict.fromkeys(("heiligabend", "heiligen abend", "heiliger abend"), OnFeast(24, 12)),
    **dict.fromkeys(("neujahr", "neujahrstag"), OnFeast(1, 1)),
    **dict.fromkeys(("1. weihnachtstag", "1. weihnachtsfeiertag"), OnFeast(25, 12)),
    **dict.fromkeys(("2. weihnachtstag", "2. weihnachtsfeiertag"), OnFeast(26, 12)),
    **dict.fromkeys(("nikolaus", "nikolaustag"), OnFeast(6, 12)),
    "silvester": OnFeast(31, 12),
    "tag der arbeit": OnFeast(1, 5),
    "tag der deutschen einheit": OnFeast(3, 10),
}
FROM_TODAY: Final = {"gestern": -1, "heute": 0, "heut": 0, "morgen": 1, "uebermorgen": 2}

_FILLERS: Final = (
    "um am an den dem der die des vom von zu zum im in bitte gern gerne ich haette moechte wuerde will kann "
    "koennte koennten wir sie mir mich uns geht ginge passt passen klappt es s das waere ist ein eine einen termin "
    "was frei da dann also ja okay ok aeh aehm hm mal noch so schon doch lieber uhrzeit datum tag auf fuer buchen "
    "kommen komme vorbeikommen haben habt hab haetten machen uhr hallo vielleicht eventuell eher und denn wohl bei "
    "ihnen euch etwas wie mit nehme nehmen brauche braeuchte besten wollte fragen ob punkt genau gleich gut auch "
    "erst ganz direkt nur moeglichst entweder aber liebsten liebstes prima super perfekt halt eben"
)
FILLERS: Final = frozenset({*_FILLERS.split(), "-"})
"""Words that change nothing: not one of these can turn a day into another, or a wish into none."""

_COMPOUND: Final = re.compile(
    f"\\b({alternatives(WEEKDAYS)}|heute|heut)(morgen|frueh|vormittag|mittag|nachmittag|abend|nacht)(s?)\\b"
)


def prepare(text: str) -> str:
    """Folded, with compounds apart ("freitag abend"), "Uhr" beside its number, and digits for number words."""
    text = folded(text)
    text = re.sub(r"(\d{4}-\d{2}-\d{2})t(?=\d)", r"\1 ", text)
    text = re.sub(r"(\d)h(\d{2})\b", r"\1 uhr \2", text)
    text = re.sub(r"(\d) ?(?:uhr|h)\b\.?", r"\1 uhr", text)
    return german_digits(_COMPOUND.sub(r"\1 \2\3", text))
