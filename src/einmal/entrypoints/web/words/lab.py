"""The words of the page: lab."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "lab_what": (
        (
            "Hier geht mit Absicht etwas schief. Jemand ruft an und fragt fünfmal nach demselben Termin, wie "
            "Telefonie und Menschen das tun: dieselbe Anfrage noch einmal, mit anderen Worten, zuletzt in "
            "einem zweiten Anruf. Zuerst ein gewöhnliches Gateway, daneben Einmal, beide vor demselben Kalender "
            "mit demselben Fehler."
        ),
        (
            "Here things go wrong on purpose. Somebody calls and asks five times for the same appointment, as "
            "telephony and people do: the same request again, in other words, and in the end in a second call. "
            "First an ordinary gateway, beside it Einmal, both before the same calendar with the same fault."
        ),
    ),
    "lab_pick": ("Was soll schiefgehen?", "What is to go wrong?"),
    "lab_play": ("Abspielen", "Play"),
    "lab_seed": ("Startzahl", "Seed"),
    "lab_seed_hint": (
        "Dieselbe Zahl, 0 bis {most}, spielt genau denselben Ablauf noch einmal. Leer wird eine gezogen.",
        "The same number, 0 to {most}, plays exactly the same run again. Left empty, one is drawn.",
    ),
    "lab_busy": (
        "Es laufen gerade viele Versuche. Bitte laden Sie die Seite gleich noch einmal.",
        "Many runs are under way. Please load the page again in a moment.",
    ),
    "lab_empty": (
        "Wählen Sie einen Fehler, und drücken Sie auf Abspielen. Es dauert keine Sekunde.",
        "Pick a fault and press play. It takes less than a second.",
    ),
    "lab_asked": (
        "{caller} möchte am {when} (Europe/Berlin) eine Beratung. Sekunden zählen ab der ersten Anfrage.",
        "{caller} wants a Beratung at {when} (Europe/Berlin). Seconds count from the first request.",
    ),
    "lab_this_run": ("Dieser Ablauf: Startzahl {seed}", "This run: seed {seed}"),
    "lab_other_seed": ("Anderer Ablauf", "Another run"),
    "lab_ours": ("Einmal", "Einmal"),
    "lab_unguarded": ("Ein gewöhnliches Gateway", "An ordinary gateway"),
    "lab_one_booking": ("{asked} Versuche, {booked} Buchung", "{asked} attempts, {booked} booking"),
    "lab_bookings": ("{asked} Versuche, {booked} Buchungen", "{asked} attempts, {booked} bookings"),
    "lab_right": (
        "Genau eine Buchung. Kein Ja ohne Buchung, kein Nein neben einer.",
        "Exactly one booking. No yes without a booking, no no beside one.",
    ),
    "lab_too_many": ("{extra} zu viel gebucht.", "{extra} booked too many."),
    "lab_none_stands": ("Keine Buchung steht.", "No booking stands."),
    "lab_falsehood": ("1 Satz war falsch.", "1 sentence was false."),
    "lab_falsehoods": ("{n} Sätze waren falsch.", "{n} sentences were false."),
    "lab_heard": ("Was gefragt und was gehört wurde", "What was asked and what was heard"),
    "lab_second_call": ("zweiter Anruf", "second call"),
    "lab_said_yes": ("Ja", "Yes"),
    "lab_said_no": ("Nein", "No"),
    "lab_said_wait": ("Wird geprüft", "Being checked"),
    "lab_said_none": ("Stille", "Silence"),
    "lab_unguarded_yes": ("Ihr Termin ist gebucht.", "Your appointment is booked."),
    "lab_unguarded_no": ("Das hat leider nicht geklappt.", "That did not work, I am afraid."),
    "lab_unguarded_none": ("", ""),
    "lab_unguarded_wait": ("", ""),
    "lab_false_yes": ("Falsch: Es stand keine Buchung.", "False: no booking stood."),
    "lab_false_no": ("Falsch: Es stand eine Buchung.", "False: a booking stood."),
    "lab_calendar": ("Im Kalender", "In the calendar"),
    "lab_when_made": ("Gebucht", "Booked"),
    "lab_long_before": ("34 min davor", "34 min before"),
    "lab_for": ("Für", "For"),
    "lab_with": ("Bei", "With"),
    "lab_uid": ("Kennung", "Id"),
    "lab_state": ("Stand", "State"),
    "lab_ledger_ours": ("Im Hauptbuch von Einmal", "In Einmal's ledger"),
    "lab_ledger_unguarded": ("In der Tabelle des Gateways", "In the gateway's table"),
    "lab_ledger_empty": ("Keine Zeile.", "No row."),
    "lab_state_booked": ("gebucht", "booked"),
    "lab_state_confirmed": ("bestätigt", "confirmed"),
    "lab_state_rejected": ("abgelehnt, nichts gebucht", "refused, nothing booked"),
    "lab_state_doubt": ("in Zweifel, wird geprüft", "in doubt, being checked"),
    "lab_state_sent": ("gesendet", "sent"),
    "lab_rejected": ("Eine Antwort wurde nicht geglaubt: {why}.", "One answer was not believed: {why}."),
    "lab_reason_stale_booking": (
        "Die Buchung ist älter als die Anfrage (Schicht 1)",
        "the booking is older than the request (layer 1)",
    ),
    "lab_reason_call_id_mismatch": (
        "Die Buchung ist aus einem anderen Anruf (Schicht 2)",
        "the booking is of another call (layer 2)",
    ),
    "lab_reason_identity_mismatch": (
        "Die Buchung ist für jemand anderen (Schicht 2)",
        "the booking is somebody else's (layer 2)",
    ),
    "lab_wire": ("Was über die Leitung ging", "What went over the wire"),
    "lab_sent_book": ("Buchen", "Book"),
    "lab_sent_look": ("Nachsehen", "Look it up"),
    "lab_sent_slots": ("Freie Zeiten", "Free times"),
    "lab_sent_services": ("Leistungen lesen (nach dem Neustart)", "Read the services (after the restart)"),
    "lab_sent_change": ("Ändern", "Change"),
    "lab_answer_200": ("200, gelesen", "200, read"),
    "lab_answer_201": ("201, „gebucht“", "201, 'booked'"),
    "lab_answer_400": ("400, die Zeit ist vergeben", "400, the time is taken"),
    "lab_answer_409": ("409, die Zeit ist vergeben", "409, the time is taken"),
    "lab_answer_429": ("429, zu viele Anfragen", "429, too many requests"),
    "lab_answer_500": ("500, Fehler beim Kalender", "500, an error at the calendar"),
    "lab_answer_502": ("502, Fehler auf dem Weg", "502, an error on the way"),
    "lab_answer_reset": ("keine Antwort, Verbindung abgerissen", "no answer, the connection broke"),
    "lab_answer_timeout": ("keine Antwort, zu spät", "no answer in time"),
    "lab_answer_died": ("keine Antwort gehört, der Prozess starb", "no answer heard, the process died"),
    "lab_fault_none": ("Nichts geht schief", "Nothing goes wrong"),
    "lab_why_none": (
        "Fünfmal gefragt wird trotzdem: Das allein genügt für Doppelbuchungen.",
        "It is asked five times all the same: that alone is enough to book twice.",
    ),
    "lab_see_none": (
        "Wiederholungen sind der Alltag. Einmal erkennt in allen fünf denselben Wunsch und wiederholt die Antwort.",
        "Repeats are everyday life. Einmal sees one wish in all five and repeats the answer.",
    ),
    "lab_fault_lost_answer": ("Verlorene Antwort", "Lost answer"),
    "lab_why_lost_answer": (
        "Der Kalender bucht, aber die Verbindung reißt, bevor er es sagen kann.",
        "The calendar books, and the connection breaks before it can say so.",
    ),
    "lab_see_lost_answer": (
        "Wer Schweigen für ein Nein hält, bucht noch einmal. Einmal sieht im Kalender nach seiner Buchung.",
        "Who takes silence for a no books once more. Einmal looks into the calendar whether its own booking is there.",
    ),
    "lab_fault_late_commit": ("Späte Buchung", "Late booking"),
    "lab_why_late_commit": (
        "Keine Antwort, und gebucht wird erst eine halbe Minute später.",
        "No answer, and it is booked only half a minute later.",
    ),
    "lab_see_late_commit": (
        "Nachsehen allein genügt nicht: Zuerst ist nichts da. Einmal sagt so lange „wird geprüft“, bis es feststeht.",
        "One look is not enough: at first there is nothing. Einmal says 'being checked' until it is certain.",
    ),
    "lab_fault_error_after_commit": ("Fehler nach der Buchung", "Error after the booking"),
    "lab_why_error_after_commit": (
        "Der Kalender antwortet mit Fehler 500, hat aber gebucht.",
        "The calendar answers with error 500, and has booked.",
    ),
    "lab_see_error_after_commit": (
        "Ein 500 sagt nicht, ob gebucht wurde. Das gewöhnliche Gateway sagt Nein, und das ist falsch.",
        "A 500 does not say whether it was booked. The ordinary gateway says no, and that is false.",
    ),
    "lab_fault_foreign_booking": ("Fremde Buchung", "Somebody else's booking"),
    "lab_why_foreign_booking": (
        "Die Antwort ist ein Ja, aber mit der Buchung einer anderen Person, 34 Minuten alt: der wirkliche Vorfall.",
        "The answer is a yes, but with another person's booking, 34 minutes old: the real incident.",
    ),
    "lab_see_foreign_booking": (
        (
            "Das gewöhnliche Gateway sagt „gebucht“, und nichts steht. Einmal prüft, wessen Buchung es ist: Nein. "
            "Nach einer Minute darf neu gefragt werden: Dann wird gebucht."
        ),
        (
            "The ordinary gateway says 'booked', and nothing stands. Einmal checks whose booking it is, and says no. "
            "After a minute it may be asked anew: then it is booked."
        ),
    ),
    "lab_fault_own_conflict": ("Konflikt mit sich selbst", "A conflict with oneself"),
    "lab_why_own_conflict": (
        "Unterwegs wird die Anfrage verdoppelt; zurück kommt „vergeben“, vergeben an uns selbst.",
        "On the way the request is doubled; what comes back is 'taken', taken by ourselves.",
    ),
    "lab_see_own_conflict": (
        "Das gewöhnliche Gateway sagt fünfmal Nein, und der Termin steht. Einmal sieht nach, wem er gehört.",
        "The ordinary gateway says no five times, and the appointment stands. Einmal looks whose it is.",
    ),
    "lab_fault_crash": ("Absturz nach dem Absenden", "Crash after sending"),
    "lab_why_crash": (
        "Der Prozess stirbt, während die Buchung unterwegs ist, und startet neu.",
        "The process dies while the booking is under way, and is started again.",
    ),
    "lab_see_crash": (
        (
            "Das gewöhnliche Gateway weiß von nichts mehr. Einmal hat vor dem Absenden aufgeschrieben, was es tut, "
            "und sieht nach dem Neustart nach."
        ),
        (
            "The ordinary gateway knows nothing any more. Einmal wrote down what it would do before it sent it, "
            "and looks after the restart."
        ),
    ),
    "lab_fault_throttled": ("Zu viele Anfragen", "Too many requests"),
    "lab_why_throttled": (
        "Der Kalender weist die erste Anfrage ab (429) und will eine Weile Ruhe.",
        "The calendar turns the first request away (429) and wants some quiet.",
    ),
    "lab_see_throttled": (
        "Sicher nichts gebucht: Einmal sagt das, fragt den Kalender so lange nicht, wie er es will, und bucht danach.",
        "Surely nothing was booked: Einmal says so, leaves the calendar alone for as long as it wants, and books then.",
    ),
}
