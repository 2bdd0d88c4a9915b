"""What is said of each outcome, and what is asked, in each language: the words, with gaps for days, names and offers.

No ids, no remote text. While a booking is in doubt nothing here says "booked", "failed" or "try again".
"""

from typing import Final

from einmal.domain.reply import Missing, Outcome, Why
from einmal.speech.said import Language

_DE, _EN = Language.GERMAN, Language.ENGLISH

OUTCOMES: Final[dict[tuple[Outcome, Why], dict[Language, str]]] = {
    (Outcome.BOOKED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} {when}{staff} ist gebucht.",
        _EN: "Your appointment for {service} {when}{staff} is booked.",
    },
    (Outcome.REQUESTED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} {when}{staff} ist angefragt und muss noch bestätigt werden.",
        _EN: "Your appointment for {service} {when}{staff} is requested and still has to be confirmed.",
    },
    (Outcome.ALREADY_BOOKED, Why.PLAIN): {
        _DE: "Sie haben diesen Termin bereits: {service} {when}.",
        _EN: "You already have this appointment: {service} {when}.",
    },
    (Outcome.AVAILABLE, Why.PLAIN): {
        _DE: "{When} ist noch ein Termin frei. Soll ich ihn buchen?",
        _EN: "{Named} is still free. Shall I book it?",
    },
    (Outcome.UNAVAILABLE, Why.PLAIN): {
        _DE: "{When} ist leider nichts frei.",
        _EN: "Unfortunately nothing is free {when}.",
    },
    (Outcome.AVAILABLE, Why.CHOICE): {
        _DE: "{offered} {suits}",
        _EN: "{offered} {suits}",
    },
    (Outcome.UNAVAILABLE, Why.CHOICE): {
        _DE: "Da ist leider nichts frei.",
        _EN: "Unfortunately nothing is free then.",
    },
    (Outcome.SLOT_TAKEN, Why.PLAIN): {
        _DE: "Dieser Termin wurde bereits gebucht.",
        _EN: "This appointment has already been taken.",
    },
    (Outcome.IN_DOUBT, Why.PLAIN): {
        _DE: "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch; Sie bekommen gleich Bescheid.",
        _EN: "I have taken down your request and am still checking it; you will hear from us shortly.",
    },
    (Outcome.IN_DOUBT, Why.UNPROMISED): {
        _DE: "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch.",
        _EN: "I have taken down your request and am still checking it.",
    },
    (Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT): {
        _DE: "Eine vorige Anfrage prüfe ich noch. Bitte warten Sie einen Moment, bevor wir weitermachen.",
        _EN: "I am still checking an earlier request. Please wait a moment before we go on.",
    },
    (Outcome.REJECTED, Why.PLAIN): {
        _DE: "Das kann ich hier leider nicht erledigen.",
        _EN: "I am afraid I cannot do that here.",
    },
    (Outcome.REJECTED, Why.NOT_OFFERED): {
        _DE: "Diese Zeit kann leider nicht gebucht werden.",
        _EN: "Unfortunately that time cannot be booked.",
    },
    (Outcome.REJECTED, Why.KEY_REUSED): {
        _DE: "Das passt nicht zu Ihrer vorigen Anfrage. Was genau möchten Sie buchen?",
        _EN: "That does not fit your earlier request. What exactly would you like to book?",
    },
    (Outcome.ERROR, Why.PLAIN): {
        _DE: "Entschuldigung, es gab ein technisches Problem, und es wurde nichts gebucht. "
        "Bitte rufen Sie später noch einmal an.",
        _EN: "Sorry, there was a technical problem, and nothing was booked. Please call again later.",
    },
    (Outcome.ERROR, Why.UNREACHABLE): {
        _DE: "Entschuldigung, der Kalender ist gerade nicht erreichbar, und es wurde nichts gebucht. "
        "Bitte rufen Sie später noch einmal an.",
        _EN: "Sorry, the calendar cannot be reached right now, and nothing was booked. Please call again later.",
    },
    (Outcome.ERROR, Why.NOTHING_NEW): {
        _DE: "Entschuldigung, es gab ein technisches Problem, und ich habe eben nichts Neues gebucht. "
        "Bitte rufen Sie später noch einmal an.",
        _EN: "Sorry, there was a technical problem, and I have booked nothing new just now. Please call again later.",
    },
    (Outcome.ERROR, Why.UNCHANGED): {
        _DE: "Entschuldigung, das ging gerade nicht, und es wurde nichts geändert. Soll Sie jemand zurückrufen?",
        _EN: "Sorry, that did not work just now, and nothing was changed. Shall somebody call you back?",
    },
    (Outcome.ERROR, Why.UNREADABLE): {
        _DE: "Entschuldigung, ich kann gerade nicht nachsehen. Bitte rufen Sie später noch einmal an.",
        _EN: "Sorry, I cannot look it up right now. Please call again later.",
    },
    (Outcome.IN_DOUBT, Why.CHANGING): {
        _DE: "Ich habe Ihren Wunsch aufgenommen und prüfe ihn noch; Sie bekommen gleich Bescheid.",
        _EN: "I have taken down your wish and am still checking it; you will hear from us shortly.",
    },
    (Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED): {
        _DE: "Ich habe Ihren Wunsch aufgenommen und prüfe ihn noch.",
        _EN: "I have taken down your wish and am still checking it.",
    },
    (Outcome.CANCELLED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} {when} ist storniert.",
        _EN: "Your appointment for {service} {when} is cancelled.",
    },
    (Outcome.CANCELLED, Why.BEFORE): {
        _DE: "Ihr Termin für {service} {when} war schon storniert.",
        _EN: "Your appointment for {service} {when} was cancelled already.",
    },
    (Outcome.RESCHEDULED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} ist verschoben und jetzt {when}{staff}.",
        _EN: "Your appointment for {service} has been moved and is now {when}{staff}.",
    },
    (Outcome.RESCHEDULED, Why.BEFORE): {
        _DE: "Ihr Termin für {service} ist bereits {when}{staff}.",
        _EN: "Your appointment for {service} is {when}{staff} already.",
    },
    (Outcome.REQUESTED, Why.CHANGING): {
        _DE: "Ihr Termin für {service} ist jetzt {when} angefragt und muss noch bestätigt werden.",
        _EN: "Your appointment for {service} is now requested {when} and still has to be confirmed.",
    },
    (Outcome.UNAVAILABLE, Why.STANDS): {
        _DE: "{Asked} ist leider nichts frei; Ihr bisheriger Termin bleibt bestehen.",
        _EN: "Unfortunately nothing is free {asked}; your present appointment stands.",
    },
    (Outcome.REJECTED, Why.STANDS): {
        _DE: "Diese Zeit kann leider nicht gebucht werden; Ihr bisheriger Termin bleibt bestehen.",
        _EN: "Unfortunately that time cannot be booked; your present appointment stands.",
    },
    (Outcome.REJECTED, Why.TOO_LATE): {
        _DE: "Dafür ist es leider zu spät; Ihr Termin {when} bleibt bestehen. Soll Sie jemand zurückrufen?",
        _EN: "I am afraid it is too late for that; your appointment {when} stands. Shall somebody call you back?",
    },
    (Outcome.REJECTED, Why.TOO_MANY): {
        _DE: "Sie haben schon so viele Termine, wie wir je Person vergeben. Möchten Sie einen davon verschieben?",
        _EN: "You already have as many appointments as we give to one person. Would you like to move one of them?",
    },
    (Outcome.REJECTED, Why.NOT_FOUND): {
        _DE: "Zu diesen Angaben finde ich leider keinen Termin. Soll Sie jemand zurückrufen?",
        _EN: "I am afraid I find no appointment by that. Shall somebody call you back?",
    },
    (Outcome.RESERVED, Why.PLAIN): {
        _DE: "{When} halte ich Ihnen kurz frei. Soll ich den Termin buchen?",
        _EN: "I am keeping {named} free for you for a moment. Shall I book it?",
    },
    (Outcome.RELEASED, Why.PLAIN): {
        _DE: "In Ordnung, ich halte das nicht länger frei.",
        _EN: "All right, I am no longer keeping that free.",
    },
    (Outcome.NOTED, Why.PLAIN): {
        _DE: "Ihren Rückrufwunsch habe ich notiert.",
        _EN: "I have noted that you would like to be called back.",
    },
    (Outcome.NOTED, Why.BEFORE): {
        _DE: "Ihr Rückrufwunsch ist bereits notiert.",
        _EN: "It is already noted that you would like to be called back.",
    },
    (Outcome.ERROR, Why.UNSURE): {
        _DE: "Entschuldigung, ich konnte Ihren Rückrufwunsch nicht sicher notieren. "
        "Bitte rufen Sie später noch einmal an.",
        _EN: "Sorry, I could not make sure that your call-back is noted. Please call again later.",
    },
    (Outcome.REJECTED, Why.HUNG_UP): {
        _DE: "Das Gespräch ist beendet, es wurde nichts mehr getan.",
        _EN: "The call is over, nothing more was done.",
    },
    (Outcome.ERROR, Why.TOO_FAST): {
        _DE: "Das waren zu viele Anfragen auf einmal, und diese wurde nicht bearbeitet. "
        "Frühere Buchungen bleiben, wie sie sind. Bitte versuchen Sie es gleich noch einmal.",
        _EN: "Those were too many requests at once, and this one was not carried out. "
        "Earlier bookings stay as they are. Please try again in a minute.",
    },
    (Outcome.REJECTED, Why.ENOUGH): {
        _DE: "Mehr Termine kann ich in einem Gespräch nicht vergeben, dieser wurde nicht gebucht. "
        "Soll Sie jemand zurückrufen?",
        _EN: "I cannot give more appointments in one call, and this one was not booked. Shall somebody call you back?",
    },
    (Outcome.ERROR, Why.TOO_BUSY): {
        _DE: "Entschuldigung, der Kalender ist gerade überlastet, und es wurde nichts gebucht. "
        "Bitte rufen Sie gleich noch einmal an.",
        _EN: "Sorry, the calendar is overloaded right now, and nothing was booked. Please call again in a moment.",
    },
}

QUESTIONS: Final[dict[Missing, dict[Language, str]]] = {
    Missing.NAME: {_DE: "Auf welchen Namen darf ich den Termin eintragen?", _EN: "What name is the appointment for?"},
    Missing.SERVICE: {_DE: "Welche Leistung wünschen Sie?", _EN: "Which service would you like?"},
    Missing.SERVICE_UNKNOWN: {
        _DE: "Diese Leistung kenne ich nicht. Welche wünschen Sie?",
        _EN: "I do not know that service. Which one would you like?",
    },
    Missing.DATE: {_DE: "An welchem Tag möchten Sie kommen?", _EN: "On which day would you like to come?"},
    Missing.DATE_PAST: {
        _DE: "Dieser Zeitpunkt liegt in der Vergangenheit. Welches Datum meinen Sie?",
        _EN: "That is in the past. Which date do you mean?",
    },
    Missing.DATE_ODD: {
        _DE: "Das habe ich nicht ganz verstanden. Welchen Tag meinen Sie?",
        _EN: "I did not quite catch that. Which day do you mean?",
    },
    Missing.DATE_UNCLEAR: {
        _DE: "Welchen Tag genau meinen Sie?",
        _EN: "Which day exactly do you mean?",
    },
    Missing.DATE_WIDE: {
        _DE: "An welchem Tag genau möchten Sie kommen?",
        _EN: "On which day exactly would you like to come?",
    },
    Missing.TIME: {_DE: "Um wie viel Uhr möchten Sie kommen?", _EN: "At what time would you like to come?"},
    Missing.TIME_ODD: {
        _DE: "Das habe ich nicht ganz verstanden. Um wie viel Uhr?",
        _EN: "I did not quite catch that. At what time?",
    },
    Missing.TIME_UNCLEAR: {
        _DE: "Meinen Sie morgens oder nachmittags?",
        _EN: "Do you mean in the morning or in the afternoon?",
    },
    Missing.TIME_WIDE: {
        _DE: "Um wie viel Uhr genau möchten Sie kommen?",
        _EN: "At what time exactly would you like to come?",
    },
    Missing.TIME_SKIPPED: {
        _DE: "Diese Uhrzeit gibt es wegen der Zeitumstellung nicht. Welche andere Zeit passt Ihnen?",
        _EN: "The clocks change, so that time does not exist. Which other time would suit you?",
    },
    Missing.EMAIL_ODD: {
        _DE: "Die E-Mail-Adresse habe ich nicht verstanden. Können Sie sie buchstabieren?",
        _EN: "I did not understand the e-mail address. Could you spell it?",
    },
    Missing.DECISION: {
        _DE: "Sie haben bereits einen Termin für {service} {when}. Behalten, verschieben, oder möchten Sie beide?",
        _EN: "You already have an appointment for {service} {when}. Keep it, move it, or would you like both?",
    },
    Missing.APPOINTMENT: {
        _DE: "Um welchen Termin geht es, an welchem Tag und um wie viel Uhr?",
        _EN: "Which appointment is it about, on which day and at what time?",
    },
    Missing.AGAIN: {
        _DE: "Dieser Termin wurde inzwischen abgesagt oder verschoben. Soll ich ihn neu buchen?",
        _EN: "This appointment has since been cancelled or moved. Shall I book it anew?",
    },
    Missing.NAME_ON: {
        _DE: "Auf welchen Namen ist der Termin eingetragen?",
        _EN: "Which name is the appointment under?",
    },
    Missing.STAFF_UNKNOWN: {
        _DE: "Bei dieser Person kann ich das nicht buchen. Bei wem möchten Sie den Termin, oder ist das egal?",
        _EN: "I cannot book that with this person. With whom would you like the appointment, or does it not matter?",
    },
    Missing.STAFF_OPEN: {
        _DE: "Bei wem der Termin ist, kann ich nicht festlegen. Ist Ihnen das recht?",
        _EN: "I cannot promise who the appointment will be with. Is that all right with you?",
    },
    Missing.PHONE: {
        _DE: "Unter welcher Nummer erreichen wir Sie?",
        _EN: "At which number can we reach you?",
    },
    Missing.CONFIRMATION_ODD: {
        _DE: "Soll ich den Termin fest buchen, ja oder nein?",
        _EN: "Shall I book the appointment, yes or no?",
    },
}
