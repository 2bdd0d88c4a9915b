"""What the moments of a story are called, German and English: a person reads it at three in the morning."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "told_call_inbound": ("Jemand hat angerufen.", "Somebody called."),
    "told_call_outbound": ("Der Agent hat angerufen.", "The agent called somebody."),
    "told_call_web_call": ("Jemand hat über das Web angerufen.", "Somebody called over the web."),
    "told_call_began": ("Der Anruf begann.", "The call began."),
    "told_call_seen": (
        "Der Anruf wurde zum ersten Mal gesehen ({platform}).",
        "The call was first seen ({platform}).",
    ),
    "told_hung_up": ("Der Anruf endete: {why}.", "The call ended: {why}."),
    "told_asked": ("Der Agent ruft eine Funktion auf: {function}.", "The agent calls a function: {function}."),
    "told_asked_form": (
        "Das Buchungsformular wird abgeschickt: {function}.",
        "The booking form is sent: {function}.",
    ),
    "told_asked_program": ("Ein anderes Programm fragt: {function}.", "Another program asks: {function}."),
    "told_heard": (
        "{function}: {outcome}. Beantwortet nach {took}.",
        "{function}: {outcome}. Answered after {took}.",
    ),
    "told_error_id": ("Fehlerkennung", "Error id"),
    "told_admitted": (
        "Buchungswunsch aufgeschrieben, bevor Cal.com gefragt wird: {service}, {start}.",
        "Wish written down before Cal.com is asked: {service}, {start}.",
    ),
    "told_admitted_move": (
        "Aufgeschrieben, wohin der Termin verlegt werden soll: {service}, {start}.",
        "Written down where the appointment is to be moved: {service}, {start}.",
    ),
    "told_imported": (
        "Aus einem anderen Programm übernommen ({row}): {service}, {start}.",
        "Taken over from another program ({row}): {service}, {start}.",
    ),
    "told_sent": (
        "Buchung an Cal.com geschickt, Versuch {number}, mit der Vorgangskennung {key}.",
        "Booking sent to Cal.com, attempt {number}, carrying the operation id {key}.",
    ),
    "told_answer_booking": (
        "Cal.com antwortete nach {took} mit einer Buchung ({http}).",
        "Cal.com answered after {took} with a booking ({http}).",
    ),
    "told_answer_conflict": (
        "Cal.com antwortete nach {took}: Die Zeit ist belegt ({http}).",
        "Cal.com answered after {took}: that time is taken ({http}).",
    ),
    "told_answer_refused": (
        "Cal.com lehnte nach {took} ab: {detail} ({http}). Gebucht wurde nichts.",
        "Cal.com refused after {took}: {detail} ({http}). Nothing was booked.",
    ),
    "told_answer_unauthorised": (
        "Cal.com nahm unseren Schlüssel nicht an ({http}). Gebucht wurde nichts.",
        "Cal.com did not accept our key ({http}). Nothing was booked.",
    ),
    "told_answer_throttled": (
        "Cal.com bremst ({http}): Der Versuch wurde sicher nicht verarbeitet.",
        "Cal.com throttles us ({http}): the attempt was surely not processed.",
    ),
    "told_answer_not_sent": (
        "Cal.com war nicht zu erreichen ({detail}): Es ging nichts hinaus.",
        "Cal.com could not be reached ({detail}): nothing left us.",
    ),
    "told_answer_lost": (
        "Nach {took} keine brauchbare Antwort ({detail}, {http}): Es kann gebucht sein oder nicht.",
        "No usable answer within {took} ({detail}, {http}): it may have been booked, or not.",
    ),
    "told_verdict_ours": (
        "Die Buchung ist unsere: Sie trägt die Vorgangskennung, die wir vorher aufgeschrieben hatten.",
        "The booking is ours: it carries the operation id that we wrote down before we asked.",
    ),
    "told_verdict_passed": (
        "Keine Schicht hatte etwas einzuwenden. (Ohne Vorgangskennung: Schicht 0 ist abgeschaltet.)",
        "No layer objected. (Without the operation id: layer 0 is switched off.)",
    ),
    "told_verdict_elsewhere": (
        "Die Buchung trägt unsere Vorgangskennung, steht aber an anderer Stelle, als wir fragten.",
        "The booking carries our operation id, but it is not where we asked for it.",
    ),
    "told_verdict_ended": (
        "Die Buchung trägt unsere Vorgangskennung, ist aber schon beendet: {status}.",
        "The booking carries our operation id, but it has ended already: {status}.",
    ),
    "told_reason_stale_booking": (
        "Schicht 1 (Alter): Die Buchung war {age} älter als unsere Frage; sie beantwortet die eines anderen.",
        "Layer 1 (freshness): the booking was {age} older than our question, so it answers somebody else's.",
    ),
    "told_reason_call_id_mismatch": (
        "Schicht 2 (Identität): Die Buchung gehört zu einem anderen Anruf, {call}.",
        "Layer 2 (identity): the booking belongs to another call, {call}.",
    ),
    "told_reason_identity_mismatch_start": (
        "Schicht 2 (Identität): Die Buchung beginnt zu einer anderen Zeit, als wir fragten.",
        "Layer 2 (identity): the booking begins at another time than we asked for.",
    ),
    "told_reason_identity_mismatch_event_type": (
        "Schicht 2 (Identität): Die Buchung ist für eine andere Leistung.",
        "Layer 2 (identity): the booking is of another event type.",
    ),
    "told_reason_identity_mismatch_attendee": (
        "Schicht 2 (Identität): Die Buchung läuft auf eine andere Adresse, als wir schickten.",
        "Layer 2 (identity): the booking is under another address than the one we sent.",
    ),
    "told_reason_identity_mismatch_operation_id": (
        "Die Buchung trägt unsere Vorgangskennung nicht – sie ist also nicht die, die wir angefragt haben.",
        "The booking does not carry our operation id, so it is not the one that we asked for.",
    ),
    "told_reason_database_duplicate": (
        "Schicht 3 (Hauptbuch): Diese Buchung kennen wir schon, als Termin {appointment} aus dem Anruf {call}.",
        "Layer 3 (ledger): we hold this booking already, as appointment {appointment} of the call {call}.",
    ),
    "told_reason_constraint_violation": (
        "Schicht 4 (Datenbank): Die Datenbank weigerte sich, dieselbe Buchung zweimal einzutragen.",
        "Layer 4 (database): the database refused to hold the same booking twice.",
    ),
    "told_doubt": ("Ungewiss, ob gebucht ist.", "In doubt whether it is booked."),
    "told_doubt_why": ("Ungewiss, ob gebucht ist: {why}.", "In doubt whether it is booked: {why}."),
    "told_doubt_not_ours": (
        "Das sagt noch nicht, ob etwas von uns im Kalender steht: Es wird nachgesehen, bevor jemand „vergeben“ hört.",
        "That does not tell yet whether the calendar has one of ours: it is looked up before anybody hears “taken”.",
    ),
    "told_look_found": (
        "Im Kalender nachgesehen: Unsere Buchung steht dort.",
        "Looked at the calendar: our booking is there.",
    ),
    "told_look_absent": (
        "Im Kalender nachgesehen: Von uns steht dort nichts.",
        "Looked at the calendar: nothing of ours is there.",
    ),
    "told_look_blind": (
        "Im Kalender nachgesehen, ohne Ergebnis: {saw}.",
        "Looked at the calendar, to no avail: {saw}.",
    ),
    "told_end_booked": (
        "Gebucht: Termin {appointment}, Buchung {booking}.",
        "Booked: appointment {appointment}, booking {booking}.",
    ),
    "told_end_booked_found": (
        "Nicht mehr ungewiss: gebucht als Termin {appointment}, Buchung {booking}.",
        "No longer in doubt: booked as appointment {appointment}, booking {booking}.",
    ),
    "told_end_requested": (
        "Angefragt: Termin {appointment}, Buchung {booking}. Der Gastgeber muss noch zusagen.",
        "Requested: appointment {appointment}, booking {booking}. Its host must still accept it.",
    ),
    "told_end_requested_found": (
        "Nicht mehr ungewiss: angefragt als Termin {appointment}, Buchung {booking}. Der Gastgeber muss noch zusagen.",
        "No longer in doubt: requested as appointment {appointment}, booking {booking}. Its host must still accept it.",
    ),
    "told_end_moved_here": (
        "Hierher verlegt: Termin {appointment}, Buchung {booking}.",
        "Moved here: appointment {appointment}, booking {booking}.",
    ),
    "told_end_ruled_booked": (
        "Ein Mensch hat entschieden: gebucht, als Termin {appointment}, Buchung {booking}.",
        "A person has ruled: booked, as appointment {appointment}, booking {booking}.",
    ),
    "told_end_ruled_no": ("Ein Mensch hat entschieden: nicht gebucht.", "A person has ruled: not booked."),
    "told_end_no": ("Nicht gebucht. Wer danach fragt, hört: {outcome}.", "Not booked. Whoever asks hears: {outcome}."),
    "told_end_taken_offers": (
        "Nicht gebucht. Wer danach fragt, hört: vergeben. Angeboten wurden andere Zeiten: {offered}.",
        "Not booked. Whoever asks hears: taken. Other times offered: {offered}.",
    ),
    "told_host_accepted": ("Der Gastgeber hat zugesagt.", "The host has accepted it."),
    "told_promised": (
        "Vorgemerkt: Sobald es geklärt ist, soll es jemand erfahren. Ob das zugesagt wurde, sagt die Antwort.",
        "Noted: once it is settled, somebody is to hear of it. Whether that was promised, the answer says.",
    ),
    "told_escalated": ("Ein Mensch muss entscheiden: {what}.", "A person must decide: {what}."),
    "told_alarm": ("Alarm: {what}.", "Alarm: {what}."),
    "told_surfaced": (
        "Nach dem „Nein“ ist doch noch eine Buchung von uns angekommen. Sie wird zurückgenommen.",
        "After the “no” a booking of ours has arrived all the same. It is being taken back.",
    ),
    "told_taken_back": ("Die verspätete Buchung ist zurückgenommen.", "The late booking has been taken back."),
    "told_ruled_wrong": (
        "Ein Mensch hat entschieden: Die Ablehnung war falsch.",
        "A person has ruled: the rejection was wrong.",
    ),
    "told_ruled_right": (
        "Ein Mensch hat entschieden: Die Ablehnung war richtig.",
        "A person has ruled: the rejection was right.",
    ),
    "told_change_cancel": ("Absage der Buchung {booking} begonnen.", "Cancelling booking {booking} begun."),
    "told_change_cancel_doubt": (
        "Ungewiss, ob sie abgesagt ist. Es wird nachgesehen.",
        "In doubt whether it is cancelled. It is being looked up.",
    ),
    "told_change_cancel_done": ("Abgesagt; der Kalender zeigt es.", "Cancelled; the calendar shows it."),
    "told_change_cancel_refused": ("Nicht abgesagt: Der Termin steht.", "Not cancelled: the appointment stands."),
    "told_change_move": ("Verlegung der Buchung {booking} begonnen.", "Moving booking {booking} begun."),
    "told_change_move_doubt": (
        "Ungewiss, ob sie verlegt ist. Es wird nachgesehen.",
        "In doubt whether it is moved. It is being looked up.",
    ),
    "told_change_move_done": ("Verlegt; der Kalender zeigt es.", "Moved; the calendar shows it."),
    "told_change_move_refused": (
        "Nicht verlegt: Der Termin steht, wo er war.",
        "Not moved: the appointment stands where it was.",
    ),
    "told_notice": ("Nachricht von {source}: {event}.", "Notice from {source}: {event}."),
    "told_notice_again": (
        "Nachricht von {source}, {times}-mal: {event}.",
        "Notice from {source}, {times} times: {event}.",
    ),
    "told_notice_handled": ("{event} verarbeitet: {outcome}.", "{event} handled: {outcome}."),
    "told_message": (
        "Nachricht vorgemerkt ({channel}): {message}.",
        "Message put into the outbox ({channel}): {message}.",
    ),
    "told_message_sent": ("Nachricht zugestellt ({channel}): {message}.", "Message delivered ({channel}): {message}."),
    "told_message_logged": (
        "Nur ins Protokoll geschrieben, an niemanden geschickt: {message}.",
        "Only written into the log, sent to nobody: {message}.",
    ),
    "told_message_given_up": (
        "Nachricht nach {tries} Versuchen aufgegeben ({channel}): {message}.",
        "Message given up after {tries} tries ({channel}): {message}.",
    ),
    "told_callback": ("Ein Rückruf wurde gewünscht.", "A call-back was asked for."),
    "told_callback_done": ("Der Rückruf ist erledigt.", "Somebody has called back."),
}
