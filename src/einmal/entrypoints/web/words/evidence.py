"""The words of the evidence pages. What happened is told by the words of entrypoints/evidence."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "ev_calls_what": (
        "Was in jedem Anruf gefragt, gebucht und gesagt wurde. Die neuesten zuerst, Zeiten in {zone}.",
        "What was asked, booked and said in each call. Newest first, times in {zone}.",
    ),
    "ev_search": ("Anruf oder Buchung suchen", "Find a call or a booking"),
    "ev_search_hint": (
        (
            "Genau wie sie dasteht: die Kennung eines Anrufs, eines Buchungswunsches, eines Termins, eines Vorgangs "
            "(einmal_op) oder die UID einer Buchung bei Cal.com."
        ),
        (
            "Exactly as it is written: the id of a call, of a wish, of an appointment, of an operation (einmal_op), "
            "or the uid of a booking at Cal.com."
        ),
    ),
    "ev_find": ("Suchen", "Find"),
    "ev_not_found": (
        (
            "Nichts gefunden zu „{asked}“: Kein Anruf, Wunsch, Termin oder Vorgang und keine Buchung "
            "heißt genau so. Nach Namen und Nummern wird hier nicht gesucht."
        ),
        (
            "Nothing found for “{asked}”: no call, wish, appointment, operation or booking is called exactly that. "
            "Names and numbers are not searched here."
        ),
    ),
    "ev_no_calls": ("Noch kein Anruf.", "No call yet."),
    "ev_no_older": ("Ältere gibt es nicht.", "There are no older ones."),
    "ev_no_calls_what": (
        "Sobald ein Sprachagent eine Funktion aufruft, steht der Anruf hier. So geht es von Hand, in einem Terminal:",
        "As soon as a voice agent calls a function, the call stands here. By hand, in a terminal:",
    ),
    "ev_last_at": ("Zuletzt", "Last"),
    "ev_call": ("Anruf", "Call"),
    "ev_house": ("Haus", "House"),
    "ev_heard_last": ("Was gesagt wurde", "What was said"),
    "ev_asked_for": ("Funktionen", "Functions"),
    "ev_without_id": ("ohne Anrufkennung", "without a call id"),
    "ev_older": ("Ältere", "Older"),
    "ev_newest": ("Neueste", "Newest"),
    "ev_intent": ("Buchungswunsch", "Wish"),
    "ev_intents": ("Was gewünscht wurde", "What was wished"),
    "ev_no_intents": (
        "Aus diesem Anruf ging nichts an den Kalender. Was gefragt und geantwortet wurde, steht unten.",
        "Nothing of this call went to the calendar. What was asked and answered is below.",
    ),
    "ev_agent": ("Agent", "Agent"),
    "ev_platform": ("Plattform", "Platform"),
    "ev_began": ("Begonnen", "Began"),
    "ev_ended": ("Beendet", "Ended"),
    "ev_wish": ("Gewünscht", "Wished"),
    "ev_person": ("Person", "Person"),
    "ev_phone": ("Telefon", "Phone"),
    "ev_email": ("E-Mail", "E-mail"),
    "ev_staff": ("Bei", "With"),
    "ev_state": ("Steht jetzt", "Stands now"),
    "ev_changing": ("eine Änderung läuft", "a change is under way"),
    "ev_appointment": ("Termin", "Appointment"),
    "ev_booking": ("Buchung bei Cal.com", "Booking at Cal.com"),
    "ev_operation": ("Vorgangskennung", "Operation id"),
    "ev_next_look": ("Nächster Blick in den Kalender", "Next look at the calendar"),
    "ev_whole_story": ("Ganze Geschichte", "Whole story"),
    "ev_timeline": ("Was geschah", "What happened"),
    "ev_zone": ("Zeiten in {zone}.", "Times in {zone}."),
    "ev_nothing": (
        "Dazu ist nichts aufgeschrieben.",
        "Nothing is written down of it.",
    ),
    "ev_good": ("gut", "good"),
    "ev_warn": ("offen", "open"),
    "ev_bad": ("aufgehalten", "stopped"),
    "ev_heard": ("Der Anrufer hörte", "The caller heard"),
    "ev_side_by_side": ("Was wir fragten und was zurückkam", "What we asked and what came back"),
    "ev_differing": ("was abweicht: {count}", "what differs: {count}"),
    "ev_all_fits": ("alles passt", "all of it fits"),
    "ev_field": ("Angabe", "What"),
    "ev_we_asked": ("Wir fragten", "We asked"),
    "ev_came_back": ("Zurück kam", "What came back"),
    "ev_fits": ("Passt", "Fits"),
    "ev_same": ("passt", "fits"),
    "ev_differs": ("weicht ab", "differs"),
    "ev_age": ("Die Buchung war {age} älter als unsere Frage.", "The booking was {age} older than our question."),
    "ev_whose": ("Die Buchung gehört zum Anruf", "The booking belongs to the call"),
    "ev_whose_intent": ("Die Buchung gehört zu", "The booking belongs to"),
    "ev_its_call": ("Die Buchung nennt den Anruf", "The booking names the call"),
    "ev_not_known": ("den das Hauptbuch nicht kennt", "which the ledger does not know"),
    "ev_masked": (
        "Namen, Nummern und Adressen sind verdeckt.",
        "Names, numbers and addresses are hidden.",
    ),
    "ev_reveal": ("Namen zeigen", "Show names"),
    "ev_reveal_what": (
        "Wer sie aufdeckt, sieht sie für diese eine Ansicht; das wird ins Protokoll geschrieben.",
        "Whoever uncovers them sees them for this one view; the audit log will say so.",
    ),
    "ev_revealed": (
        "Namen sind sichtbar; das steht im Protokoll. Beim nächsten Öffnen sind sie wieder verdeckt.",
        "Names are shown, and the audit log says so. When you open the page again they are hidden.",
    ),
    "ev_hide": ("Wieder verdecken", "Hide again"),
    "ev_do": ("Was Sie jetzt tun können", "What you can do now"),
    "ev_nothing_to_do": ("Hier ist nichts zu tun.", "There is nothing to be done here."),
    "ev_reader": (
        "Ihr Zugang liest nur. Entscheiden kann, wer den Zugang des Betreibers hat.",
        "Your access reads only. Whoever has the operator's access can decide.",
    ),
    "ev_back": ("Zurück, nichts tun", "Back, do nothing"),
    "ev_callbacks": ("Rückrufe", "Call-backs"),
    "ev_callback_since": ("Gewünscht um", "Asked for at"),
    "ev_callback_about": ("Anliegen", "About"),
    "ev_callback_wanted": ("Wann", "When"),
    "ev_callback_done": ("erledigt", "done"),
    "ev_callback_open": ("offen", "open"),
    "ev_not_now": (
        "Das geht jetzt nicht mehr: Der Stand hat sich geändert. Bitte sehen Sie auf der Seite nach, wie es steht.",
        "That is no longer possible: things have changed. Please look at the page to see how they stand.",
    ),
    "ev_uid_missing": (
        "Bitte geben Sie die UID der Buchung an, die es ist.",
        "Please give the uid of the booking that it is.",
    ),
    "ev_cannot_rule": ("Die Entscheidung wurde nicht angenommen:", "The ruling was not taken:"),
    "ev_tenant_gone": (
        "Dieses Haus wird von diesem Gateway nicht mehr bedient. Geändert wurde nichts.",
        "This house is no longer served by this gateway. Nothing was changed.",
    ),
    "ev_cancel_too_late": (
        (
            "Nicht abgesagt: Die Absagefrist des Hauses ist vorbei. In Cal.com selbst kann man noch absagen; "
            "das Gateway bemerkt es."
        ),
        (
            "Not cancelled: it is past the notice that the house wants. It can still be cancelled in Cal.com itself; "
            "the gateway will notice."
        ),
    ),
    "ev_cancel_not": (
        "Nicht abgesagt: Der Kalender war nicht zu erreichen oder zeigt etwas anderes. Der Termin steht.",
        "Not cancelled: the calendar could not be reached, or shows something else. The appointment stands.",
    ),
    "ev_uid": ("UID der Buchung bei Cal.com", "Uid of the booking at Cal.com"),
    "ev_uid_what": (
        "Sie wird im Kalender gelesen, bevor die Entscheidung gilt.",
        "It is read from the calendar before the ruling counts.",
    ),
    "ev_rule-booked": ("Entscheiden: Es ist gebucht", "Rule: it is booked"),
    "ev_rule-booked_what": (
        (
            "Sie sagen: Diese Buchung in Cal.com ist die gewünschte. Sie wird gelesen und als Termin eingetragen; "
            "wer auf Bescheid wartet, bekommt ihn. Zurücknehmen lässt sich das nicht."
        ),
        (
            "You say: this booking at Cal.com is the one that was wished. It is read and kept as the appointment; "
            "whoever waits to hear is told. It cannot be taken back."
        ),
    ),
    "ev_done_rule-booked": ("Entschieden: Es ist gebucht.", "Ruled: it is booked."),
    "ev_rule-not-booked": ("Entscheiden: Es ist nicht gebucht", "Rule: it is not booked"),
    "ev_rule-not-booked_what": (
        (
            "Sie sagen: Zu diesem Wunsch gibt es in Cal.com keine Buchung. Sehen Sie dort vorher nach. Derselbe Wunsch "
            "kann dann wieder gebucht werden. Zurücknehmen lässt sich das nicht."
        ),
        (
            "You say: there is no booking at Cal.com for this wish. Look there first. The same wish may then be booked "
            "again. It cannot be taken back."
        ),
    ),
    "ev_done_rule-not-booked": ("Entschieden: Es ist nicht gebucht.", "Ruled: it is not booked."),
    "ev_rule-wrong": ("Die Ablehnung war falsch", "The rejection was wrong"),
    "ev_rule-wrong_what": (
        (
            "Sie sagen: Die Schicht hat etwas abgelehnt, das richtig war. Der Wochenbericht zählt es als Fehlalarm. "
            "Am Termin ändert sich nichts."
        ),
        (
            "You say: the layer refused what was right. The weekly report counts it as a false alarm. "
            "Nothing changes for the appointment."
        ),
    ),
    "ev_done_rule-wrong": ("Festgehalten: Die Ablehnung war falsch.", "Noted: the rejection was wrong."),
    "ev_rule-right": ("Die Ablehnung war richtig", "The rejection was right"),
    "ev_rule-right_what": (
        "Sie sagen: Die Schicht hat zu Recht abgelehnt. Der Wochenbericht zählt es. Am Termin ändert sich nichts.",
        "You say: the layer refused rightly. The weekly report counts it. Nothing changes for the appointment.",
    ),
    "ev_done_rule-right": ("Festgehalten: Die Ablehnung war richtig.", "Noted: the rejection was right."),
    "ev_look-now": ("Jetzt im Kalender nachsehen", "Look at the calendar now"),
    "ev_look-now_what": (
        (
            "Der nächste Blick in den Kalender wird vorgezogen; das Gateway macht ihn in den nächsten Sekunden. "
            "Gebucht oder abgesagt wird dadurch nichts."
        ),
        (
            "The next look at the calendar is brought forward; the gateway makes it within seconds. "
            "Nothing is booked or cancelled by it."
        ),
    ),
    "ev_done_look-now": (
        "Der Blick in den Kalender ist jetzt fällig. Laden Sie die Seite in ein paar Sekunden neu.",
        "The look at the calendar is due now. Load this page again in a few seconds.",
    ),
    "ev_cancel": ("Termin absagen", "Cancel the appointment"),
    "ev_cancel_what": (
        (
            "Die Buchung wird in Cal.com abgesagt, und der Gast bekommt von Cal.com Bescheid. Gehört sie zu einem "
            "Termin aus mehreren Buchungen, wird der ganze Termin abgesagt. Zurücknehmen lässt sich das nicht."
        ),
        (
            "The booking is cancelled at Cal.com, and Cal.com tells the guest. If it is part of an appointment "
            "of several bookings, all of it is cancelled. It cannot be taken back."
        ),
    ),
    "ev_done_cancel": ("Abgesagt.", "Cancelled."),
    "ev_done_cancel-unsure": (
        "Die Absage ist unterwegs, aber noch nicht bestätigt. Es wird nachgesehen; laden Sie die Seite gleich neu.",
        "The cancellation is under way and not confirmed yet. It is being looked up; load this page again shortly.",
    ),
    "ev_called-back": ("Rückruf ist erledigt", "Somebody has called back"),
    "ev_called-back_what": (
        "Sie sagen: Jemand hat zurückgerufen. Der Rückruf steht dann nicht mehr in der Liste der offenen.",
        "You say: somebody has called back. The call-back is then no longer among the open ones.",
    ),
    "ev_done_called-back": ("Der Rückruf ist als erledigt eingetragen.", "The call-back is noted as done."),
}
