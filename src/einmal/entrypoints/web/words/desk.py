"""The words of the page: desk."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "desk_as_of": ("Stand {time}, Uhrzeiten in {zone}.", "As of {time}, times in {zone}."),
    "desk_lost": (
        "Keine Verbindung zum Gateway: Was hier steht, ist von vorhin.",
        "No connection to the gateway: what stands here is from before.",
    ),
    "desk_person": ("Das braucht einen Menschen", "This needs a person"),
    "desk_person_none": ("Nichts braucht gerade einen Menschen.", "Nothing needs a person just now."),
    "desk_person_some": ("{count} Dinge brauchen einen Menschen.", "{count} things need a person."),
    "desk_person_one": ("Eine Sache braucht einen Menschen.", "One thing needs a person."),
    "desk_more": ("Es gibt mehr; dies sind die ältesten {count}.", "There are more; these are the oldest {count}."),
    "desk_escalated": ("Ihre Entscheidung", "Your decision"),
    "desk_escalated_what": (
        "Keine Regel entscheidet, ob diese Buchung gilt. Öffnen, im Kalender nachsehen, entscheiden.",
        "No rule decides whether this booking stands. Open it, look at the calendar, decide.",
    ),
    "desk_callbacks": ("Rückrufe", "Call-backs"),
    "desk_callbacks_what": (
        "Diese Anrufer warten darauf, dass jemand zurückruft. Öffnen zeigt die Nummer und hakt ab.",
        "These callers wait for somebody to call them back. Open one to see the number and tick it off.",
    ),
    "desk_drifts": ("Unterschiede zum Kalender", "Differences to the calendar"),
    "desk_drifts_what": (
        "Hauptbuch und Cal.com sagen nicht dasselbe. Was bei jeder Art zu tun ist, steht in docs/operating.md.",
        "The ledger and Cal.com do not say the same. docs/operating.md tells what to do about each kind.",
    ),
    "desk_given_up": ("Nachrichten, die nicht ankamen", "Messages that did not arrive"),
    "desk_given_up_what": (
        "Nach vielen Versuchen aufgegeben: {count}. Die Empfänger wissen von nichts; der Anruf zeigt, welche.",
        "Given up after many tries: {count}. Their readers know nothing; the call shows which.",
    ),
    "desk_doubts": ("Wird gerade geklärt", "Being checked"),
    "desk_doubts_what": (
        "Eine Antwort von Cal.com ging verloren oder war unklar. Das Gateway sieht von selbst nach; zu tun ist nichts.",
        "An answer of Cal.com was lost or unclear. The gateway looks by itself; there is nothing to do.",
    ),
    "desk_since": ("Seit", "Open for"),
    "desk_time": ("Zeit", "Time"),
    "desk_what": ("Was", "What"),
    "desk_service": ("Leistung", "Service"),
    "desk_for": ("Termin am", "Appointment on"),
    "desk_staff": ("Bei", "With"),
    "desk_who": ("Wer", "Who"),
    "desk_nameless": ("ohne Namen", "no name"),
    "desk_phone": ("Nummer", "Number"),
    "desk_state": ("Stand", "State"),
    "desk_tenant": ("Haus", "House"),
    "desk_table": ("Tabelle: {of}", "Table: {of}"),
    "desk_call": ("Anruf", "Call"),
    "desk_booking": ("Buchung", "Booking"),
    "desk_what_book": ("Buchung", "Booking"),
    "desk_what_cancel": ("Absage", "Cancellation"),
    "desk_what_move": ("Verlegung", "Move"),
    "desk_figures": ("Kennzahlen", "Figures"),
    "desk_day": ("letzte 24 Stunden", "last 24 hours"),
    "desk_two_days": ("seit gestern", "since yesterday"),
    "desk_now": ("jetzt", "now"),
    "desk_rate": ("Verhinderungsrate", "Prevention rate"),
    "desk_rate_what": (
        (
            "Anteil der Antworten, die eine fremde oder alte Buchung brachten und aufgehalten wurden. Unter 5 % ist "
            "üblich, ab 10 % stimmt etwas nicht."
        ),
        (
            "The part of the answers that brought a stranger's or an old booking and were stopped. Below 5 % is usual; "
            "from 10 % something is wrong."
        ),
    ),
    "desk_rate_is": ("{rate} Prozent, auf einer Skala bis 20.", "{rate} per cent, on a scale up to 20."),
    "desk_booked": ("Gebucht", "Booked"),
    "desk_rejected": ("Aufgehalten", "Stopped"),
    "desk_repeats": ("Wiederholungen aufgefangen", "Repeats caught"),
    "desk_repeats_what": (
        "derselbe Wunsch noch einmal: {join} warteten mit, {replay} hörten die Antwort noch einmal",
        "the same wish once more: {join} waited along, {replay} heard the answer again",
    ),
    "desk_in_doubt": ("Ungewiss", "In doubt"),
    "desk_oldest": ("ältester Fall seit {span}", "the oldest for {span}"),
    "desk_none_open": ("keiner offen", "none open"),
    "desk_escalated_card": ("Zu entscheiden", "To decide"),
    "desk_callbacks_card": ("Rückrufe offen", "Call-backs open"),
    "desk_drifts_card": ("Unterschiede", "Differences"),
    "desk_compared": ("verglichen vor {span}", "compared {span} ago"),
    "desk_compared_never": ("noch nie verglichen", "never compared yet"),
    "desk_messages": ("Nachrichten unterwegs", "Messages on their way"),
    "desk_calcom": ("Cal.com", "Cal.com"),
    "desk_budget": ("{percent} % des Anfragebudgets frei", "{percent} % of the request budget left"),
    "desk_budget_none": ("ohne Begrenzung", "no limit set"),
    "desk_breaker_closed": ("erreichbar", "reachable"),
    "desk_breaker_open": ("wird in Ruhe gelassen bis {time}", "left alone until {time}"),
    "desk_breaker_trying": ("wird gerade wieder versucht", "being tried again"),
    "desk_never_asked": ("noch nicht gefragt", "not asked yet"),
    "desk_layers": ("Aufgehalten, nach Schicht", "Stopped, by layer"),
    "desk_layers_none": (
        "In den letzten 24 Stunden kam keine fremde Buchung als unsere zurück.",
        "In the last 24 hours no stranger's booking came back as ours.",
    ),
    "desk_hours": ("Aufgehalten, nach Stunde", "Stopped, by hour"),
    "desk_ages": ("Alter der Buchungen bei der Antwort", "Age of bookings when they came back"),
    "desk_ages_what": (
        "Gezählt bis zum Alter unter jedem Balken. Rechts der Linie steht, was es schon gab, bevor gefragt wurde.",
        "Counted up to the age below each bar. Right of the line is what was there before anybody asked.",
    ),
    "desk_ages_none": (
        "In den letzten 24 Stunden kam keine Buchung zurück.",
        "In the last 24 hours no booking came back.",
    ),
    "desk_up_to": ("bis {span}", "up to {span}"),
    "desk_beyond": ("älter", "older"),
    "desk_count": ("Anzahl", "Count"),
    "desk_layer": ("Schicht", "Layer"),
    "desk_hour": ("Stunde", "Hour"),
    "desk_age": ("Alter", "Age"),
    "desk_layer_layer1": ("1 Frische", "1 Freshness"),
    "desk_layer_layer2": ("2 Identität", "2 Identity"),
    "desk_layer_layer3": ("3 Hauptbuch", "3 Ledger"),
    "desk_layer_layer4": ("4 Datenbank", "4 Database"),
    "desk_reason_stale_booking": ("gab es schon vor der Frage", "was there before we asked"),
    "desk_reason_call_id_mismatch": ("gehört zu einem anderen Anruf", "belongs to another call"),
    "desk_reason_identity_mismatch": ("andere Zeit, Leistung oder Person", "another time, service or person"),
    "desk_reason_database_duplicate": ("steht schon unter einem anderen Wunsch", "is known under another wish"),
    "desk_reason_constraint_violation": ("die Datenbank kennt sie schon", "the database holds it already"),
    "desk_drift_ghost": ("gebucht im Hauptbuch, bei Cal.com nicht da", "booked in the ledger, not there at Cal.com"),
    "desk_drift_orphan": ("bei Cal.com da, im Hauptbuch unbekannt", "there at Cal.com, unknown to the ledger"),
    "desk_drift_doubled": ("zweimal bei Cal.com mit einer Kennung", "twice at Cal.com with one id"),
    "desk_drift_revived": ("war beendet, steht bei Cal.com wieder", "had ended, stands at Cal.com again"),
    "desk_drift_not_marked": ("trägt unsere Kennung nicht", "does not carry our id"),
    "desk_drift_unreadable": ("bei Cal.com nicht zu lesen", "cannot be read at Cal.com"),
    "desk_drift_person_twice": ("eine Person, zwei Termine zugleich", "one person, two appointments at once"),
    "desk_drift_status": ("anderer Status", "another status"),
    "desk_drift_time": ("andere Zeit", "another time"),
    "desk_drift_staff": ("bei jemand anderem", "with somebody else"),
    "desk_drift_arrived": ("kam nach einem Nein doch an", "arrived after a no"),
    "desk_today": ("Termine heute", "Appointments today"),
    "desk_today_none": ("Für heute steht kein Termin.", "No appointment stands for today."),
    "desk_today_next": (
        "Neue Termine erscheinen hier, sobald ein Anruf gebucht hat. Von Hand bucht, wer auf Buchen geht.",
        "New ones appear here as soon as a call has booked. To book by hand, go to Book.",
    ),
    "desk_today_cut": ("Gezeigt sind die ersten {count}.", "These are the first {count}."),
    "desk_feed": ("Funktionsaufrufe", "Function calls"),
    "desk_feed_what": (
        "Was die Telefonagenten gerade fragen, und was sie zu hören bekommen.",
        "What the voice agents ask just now, and what they hear.",
    ),
    "desk_feed_live": ("läuft mit", "live"),
    "desk_feed_polled": ("alle 5 Sekunden neu", "renewed every 5 seconds"),
    "desk_feed_none": ("Noch hat kein Agent etwas gefragt.", "No agent has asked anything yet."),
    "desk_feed_full": (
        "So viele Seiten verfolgen das schon; diese fragt stattdessen alle paar Sekunden nach.",
        "So many pages follow this already; this one asks every few seconds instead.",
    ),
    "desk_function": ("Was gefragt wurde", "What was asked"),
    "desk_outcome": ("Antwort", "Answer"),
    "desk_took": ("Dauer", "Took"),
    "desk_no_call_id": ("ohne Kennung", "no id"),
    "desk_first": ("Noch ist kein Anruf angekommen", "No call has come in yet"),
    "desk_first_try": (
        "Zum Ausprobieren auf dieser Maschine, zweimal: beim zweiten Mal wird nichts doppelt gebucht.",
        "To try it on this machine, run this twice: the second time nothing is booked again.",
    ),
    "desk_first_retell": (
        "Bei Retell tragen Sie als Adresse der Funktionen ein:",
        "At Retell, enter this as the address of the functions:",
    ),
    "desk_first_tools": (
        "Die fertigen Funktionsbeschreibungen dafür gibt dieser Befehl aus:",
        "This command prints the complete definitions of the functions for it:",
    ),
    "desk_export": ("Termine als Tabelle (CSV)", "Appointments as a table (CSV)"),
    "desk_export_what": (
        (
            "Alle Termine, die stehen oder geklärt werden, mit Namen und Nummern; höchstens {days} Tage. Wer sie holt, "
            "steht im Protokoll."
        ),
        (
            "All appointments that stand or are being checked, with names and numbers; at most {days} days. The audit "
            "log holds who took them."
        ),
    ),
    "desk_from": ("Vom", "From"),
    "desk_to": ("Bis einschließlich", "Until, and including"),
    "desk_download": ("Herunterladen", "Download"),
    "desk_export_dates": (
        (
            "Die Tage waren nicht zu verstehen. Erlaubt ist je ein Tag wie 2026-12-01 als from und to, das Ende nicht "
            "vor dem Anfang."
        ),
        (
            "The days could not be understood. Give a day such as 2026-12-01 each as from and to, the end not before "
            "the beginning."
        ),
    ),
    "desk_export_days": (
        "Das sind zu viele Tage. Höchstens 92 gehen auf einmal.",
        "Those are too many days. At most 92 go at once.",
    ),
    "desk_export_rows": (
        "Das sind mehr als 100 000 Termine. Bitte wählen Sie weniger Tage.",
        "Those are more than 100,000 appointments. Please choose fewer days.",
    ),
}
