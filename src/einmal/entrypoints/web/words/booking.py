"""The words of the page: booking."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "book_title": ("Termin buchen", "Book an appointment"),
    "book_which_house": ("Bei wem möchten Sie buchen?", "Where would you like to book?"),
    "book_no_house": ("Zurzeit kann hier nichts gebucht werden.", "Nothing can be booked here at present."),
    "trouble_no_house": ("Ein Haus dieses Namens gibt es hier nicht.", "There is no house of this name here."),
    "trouble_no_form": (
        (
            "Diese Seite sieht nur, wer das Formular abgeschickt hat, im selben Browser und bis zwölf Stunden danach. "
            "Was gebucht ist, bleibt gebucht."
        ),
        (
            "Only whoever sent the form sees this page, in the same browser and for up to twelve hours. "
            "What is booked stays booked."
        ),
    ),
    "book_service": ("Leistung", "Service"),
    "book_services": ("Zur Wahl: {services}.", "There is: {services}."),
    "book_show_times": ("Zeiten zeigen", "Show times"),
    "book_name": ("Name", "Name"),
    "book_phone": ("Telefon", "Phone"),
    "book_email": ("E-Mail", "E-mail"),
    "book_optional": ("(wenn Sie möchten)", "(optional)"),
    "book_contact_why": (
        "Damit erkennen wir Sie wieder, wenn Sie anrufen.",
        "By these we know you again when you call.",
    ),
    "book_time": ("Zeit", "Time"),
    "book_choose_time": ("Bitte wählen", "Please choose"),
    "book_no_time_yet": ("–", "–"),
    "book_zone": ("Alle Zeiten in {zone}.", "All times in {zone}."),
    "book_service_first": (
        "Wählen Sie zuerst die Leistung, dann stehen hier ihre freien Zeiten.",
        "Choose the service first; its free times will then be here.",
    ),
    "book_nothing_free": ("In diesen Tagen ist nichts frei.", "Nothing is free in these days."),
    "book_times_blind": (
        "Die freien Zeiten sind gerade nicht zu erfahren.",
        "The free times cannot be had just now.",
    ),
    "book_try_times": ("Noch einmal nachsehen", "Look again"),
    "book_later": ("Spätere Zeiten", "Later times"),
    "book_earlier": ("Frühere Zeiten", "Earlier times"),
    "book_now": ("Jetzt buchen", "Book now"),
    "book_look_again": (
        "Gebucht ist noch nichts. Bitte sehen Sie die markierten Angaben noch einmal an.",
        "Nothing is booked yet. Please look at the marked fields once more.",
    ),
    "book_name_missing": ("Bitte nennen Sie Ihren Namen.", "Please give your name."),
    "book_service_missing": ("Bitte wählen Sie eine Leistung.", "Please choose a service."),
    "book_service_unknown": (
        "Diese Leistung gibt es hier nicht. Bitte wählen Sie eine aus der Liste.",
        "There is no such service here. Please choose one from the list.",
    ),
    "book_slot_missing": ("Bitte wählen Sie eine Zeit.", "Please choose a time."),
    "book_slot_past": ("Diese Zeit ist schon vorbei.", "That time is over."),
    "book_phone_odd": (
        "Diese Nummer lässt sich nicht anrufen. Richtig wäre zum Beispiel 030 901820, oder lassen Sie sie weg.",
        "This number cannot be called. Right would be, for example, 030 901820; or leave it out.",
    ),
    "book_email_odd": (
        "Das ist keine E-Mail-Adresse von Ihnen. Richtig wäre zum Beispiel anna@weiss.test, oder lassen Sie sie weg.",
        "That is no e-mail address of yours. Right would be, for example, anna@weiss.test; or leave it out.",
    ),
    "book_too_fast": (
        "Das war sehr oft in kurzer Zeit. Bitte warten Sie eine Minute.",
        "That was very often in a short time. Please wait a minute.",
    ),
    "book_is_good": ("Danke!", "Thank you!"),
    "book_is_checking": ("Wir prüfen das noch", "We are still checking"),
    "book_is_taken": ("Diese Zeit geht leider nicht", "That time is not to be had"),
    "book_is_bad": ("Das ging leider nicht", "That did not work"),
    "book_is_gone": ("Dieser Termin steht nicht mehr", "This appointment stands no longer"),
    "book_taken": ("Dieser Termin wurde bereits gebucht", "This appointment has already been taken"),
    "book_moved": (
        "Ihr Termin wurde inzwischen auf eine andere Zeit verschoben.",
        "Your appointment has since been moved to another time.",
    ),
    "book_lost": (
        "Ihr Termin steht nicht mehr im Kalender. Bitte fragen Sie nach.",
        "Your appointment is no longer in the calendar. Please ask about it.",
    ),
    "book_unreachable": (
        (
            "Der Kalender ist gerade nicht erreichbar, und es wurde nichts gebucht. "
            "Bitte versuchen Sie es in ein paar Minuten noch einmal."
        ),
        "The calendar cannot be reached right now, and nothing was booked. Please try again in a few minutes.",
    ),
    "book_nothing_new": (
        (
            "Es gab ein technisches Problem, und eben wurde nichts Neues gebucht. "
            "Bitte versuchen Sie es in ein paar Minuten noch einmal."
        ),
        "There was a technical problem, and nothing new was booked just now. Please try again in a few minutes.",
    ),
    "book_other_in_doubt": (
        "Eine vorige Anfrage von Ihnen prüfen wir noch. Bitte warten Sie einen Moment; gebucht wurde jetzt nichts.",
        "We are still checking an earlier request of yours. Please wait a moment; nothing was booked now.",
    ),
    "book_checking_what": (
        "Sie brauchen nichts zu tun: Diese Seite zeigt von selbst, wie es ausgeht. Bitte nicht noch einmal buchen.",
        "There is nothing for you to do: this page shows by itself how it ends. Please do not book again.",
    ),
    "book_offers": ("Diese Zeiten sind noch frei", "These times are still free"),
    "book_other_times": ("Andere Zeiten ansehen", "See other times"),
    "book_once_more": ("Noch einmal versuchen", "Try again"),
    "book_another": ("Einen weiteren Termin buchen", "Book another appointment"),
    "book_other_form": (
        (
            "Mit diesem Formular ist dies bereits gebucht oder angefragt. Geändert wurde daran nichts; "
            "für einen weiteren Termin öffnen Sie bitte ein neues Formular."
        ),
        (
            "With this form this is booked or asked for already. Nothing of it was changed; "
            "for another appointment please open a new form."
        ),
    ),
    "book_nothing_here": ("Hier steht noch nichts", "There is nothing here yet"),
    "book_nothing_here_what": (
        "Zu diesem Formular ist noch keine Anfrage angekommen. Sobald eine da ist, steht sie hier.",
        "No request has come from this form yet. As soon as there is one, it will be here.",
    ),
    "book_to_the_form": ("Zum Formular", "To the form"),
    "book_evidence": ("Wie es dazu kam", "How it came about"),
}
