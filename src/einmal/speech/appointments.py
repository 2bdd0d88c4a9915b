"""The caller's own appointments, told in one sentence and as data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.domain.reply import BookedSlot
from einmal.speech.information import Told
from einmal.speech.said import Language
from einmal.speech.sentences import LISTED_MAX, Voice

_DE, _EN = Language.GERMAN, Language.ENGLISH


_STANDING: Final = {
    _DE: ("Sie haben zurzeit keinen Termin.", "Sie haben einen Termin: {said}.", "Sie haben {n} Termine: {said}."),
    _EN: (
        "You have no appointment at present.",
        "You have one appointment: {said}.",
        "You have {n} appointments: {said}.",
    ),
}


def tell_appointments(voice: Voice, slots: Sequence[BookedSlot], now: datetime) -> Told:
    """The caller's own appointments, earliest first."""
    said = [f"{slot.service} {voice.when(slot.start, now)}" for slot in slots[:LISTED_MAX]]
    none, one, many = _STANDING[voice.language]
    text = (none, one)[len(slots)] if len(slots) < 2 else many
    data = [
        {
            "ref": slot.ref,
            "start": slot.start.astimezone(voice.zone).isoformat(),
            "end": slot.end.astimezone(voice.zone).isoformat(),
            "service": slot.service,
            "staff": slot.staff,
        }
        for slot in slots
    ]
    return Told(text.format(n=len(slots), said=voice.listed(said)), {"appointments": data})
