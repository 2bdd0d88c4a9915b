"""What stands on every page, and on those for trouble."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "desk": ("Schreibtisch", "Desk"),
    "calls": ("Anrufe", "Calls"),
    "book": ("Buchen", "Book"),
    "lab": ("Labor", "Lab"),
    "skip": ("Zum Inhalt", "Skip to content"),
    "pages": ("Seiten", "Pages"),
    "other_language": ("English", "Deutsch"),
    "sign_in": ("Anmelden", "Sign in"),
    "sign_out": ("Abmelden", "Sign out"),
    "sign_in_what": (
        "Token oder Kennwort, wie es in der Einrichtung dieses Gateways steht (EINMAL_ADMIN_TOKEN).",
        "The token or password that this gateway was set up with (EINMAL_ADMIN_TOKEN).",
    ),
    "sign_in_secret": ("Token oder Kennwort", "Token or password"),
    "sign_in_wrong": ("Das war nicht richtig.", "That was not right."),
    "sign_in_wait": (
        "Zu viele Versuche. Bitte warten Sie fünf Minuten.",
        "Too many tries. Please wait five minutes.",
    ),
    "trouble": ("Das ging nicht", "That did not work"),
    "trouble_sign_in": ("Dafür müssen Sie angemeldet sein.", "You must be signed in for that."),
    "trouble_no_token": (
        "Diese Seiten sind nur auf der Maschine selbst offen. Von außen öffnet sie, wer EINMAL_ADMIN_TOKEN setzt.",
        "These pages are open on the machine itself only. Set EINMAL_ADMIN_TOKEN to open them from outside.",
    ),
    "trouble_role": (
        "Dafür reicht Ihr Zugang nicht: Lesen ja, Ändern nein. Wer den Zugang des Betreibers hat, kann es.",
        "Your access does not go so far: you may read, not change. Whoever has the operator's access may.",
    ),
    "trouble_form": (
        "Dieses Formular war nicht mehr gültig. Bitte laden Sie die Seite neu. Geändert wurde nichts.",
        "This form was no longer valid. Please load the page again and try once more. Nothing was changed.",
    ),
    "trouble_too_many": (
        "Von dort kamen zu viele falsche Schlüssel. Bitte warten Sie einige Minuten.",
        "Too many wrong secrets came from there. Please wait a few minutes.",
    ),
    "trouble_too_large": ("Das war zu groß.", "That was too large."),
    "trouble_ledger": (
        "Das Hauptbuch ist gerade nicht zu lesen. Bitte versuchen Sie es gleich noch einmal.",
        "The ledger cannot be read just now. Please try again in a moment.",
    ),
    "trouble_no_page": ("Diese Seite gibt es nicht.", "There is no such page."),
    "trouble_no_call": (
        "Einen Anruf mit dieser Kennung kennt das Hauptbuch nicht.",
        "The ledger knows no call by this id.",
    ),
    "trouble_no_intent": (
        "Einen Buchungswunsch mit dieser Kennung kennt das Hauptbuch nicht.",
        "The ledger knows no intent by this id.",
    ),
    "to_the_desk": ("Zum Schreibtisch", "To the desk"),
    "simulated": (
        "Kein Cal.com-Schlüssel: Gebucht wird im eingebauten Simulator, nicht in einem Kalender.",
        "No Cal.com key: bookings go to the built-in simulator, not to a calendar.",
    ),
    "layers_off": (
        "Schutzschichten sind ABGESCHALTET: {layers}. Was sie aufhielten, wird nur noch gemeldet.",
        "Guard layers are OFF: {layers}. What they would have stopped is only reported.",
    ),
}
