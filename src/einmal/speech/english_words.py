"""The words of the English grammar, and English text as it reads it."""

import re
from typing import Final

from einmal.speech.marks import OnFeast, Part
from einmal.speech.words import english_digits, folded

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug"),
            *("september sept sep", "october oct", "november nov", "december dec"),
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            *("monday mon", "tuesday tues tue", "wednesday wed", "thursday thurs thur thu", "friday fri"),
            *("saturday sat", "sunday"),
        )
    )
    for name in names.split()
}
PARTS: Final = {
    **dict.fromkeys(("in the morning", "morning", "early"), Part.MORNING),
    **dict.fromkeys(("in the forenoon", "forenoon"), Part.FORENOON),
    **dict.fromkeys(("at lunchtime", "lunchtime", "midday", "at midday"), Part.MIDDAY),
    **dict.fromkeys(("in the afternoon", "afternoon"), Part.AFTERNOON),
    **dict.fromkeys(("in the evening", "evening"), Part.EVENING),
    "at night": Part.NIGHT,
}
FEASTS: Final = {
    "christmas eve": OnFeast(24, 12),
    "christmas day": OnFeast(25, 12),
    "boxing day": OnFeast(26, 12),
    **dict.fromkeys(("new year s eve", "new years eve"), OnFeast(31, 12)),
    **dict.fromkeys(("new year s day", "new years day"), OnFeast(1, 1)),
}
FROM_TODAY: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}

_FILLERS: Final = (
    "at on the of in to for please i s d m ll would like want need can could we it is that a an appointment then "
    "so well uh ok okay yes me us my book come maybe perhaps rather hi hello time date day let lets have got "
    "get be works how about you say anything available yeah had either sharp exactly prefer"
)
FILLERS: Final = frozenset({*_FILLERS.split(), "-"})
"""Words that change nothing: not one of these can turn a day into another, or a wish into none."""


def prepare(text: str) -> str:
    """Folded, with digits for number words, ordinals with a dot, and am and pm beside their number."""
    text = folded(text)
    text = re.sub(r"(\d{4}-\d{2}-\d{2})t(?=\d)", r"\1 ", text)
    text = re.sub(r"\bam (?=\d{1,2}\.)", "german ", text)  # "15:00 am 24.", which no English reader should know
    text = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1.", text)
    text = english_digits(text)
    text = re.sub(r"(\d) ?([ap])\.? ?m\b\.?", r"\1 \2m", text)
    text = re.sub(r"(\d) ?uhr\b", r"\1 uhr", text)
    return re.sub(r"(\d) ?o ?clock\b", r"\1 oclock", text)
