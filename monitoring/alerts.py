"""The alerts: when each is raised, what callers hear then, and where the operator reads on.

An expression is written with `{ns}` for the namespace and `[300]` for a window of so many seconds, so that a test can
run the same rules sixty times as fast.

Counters are of one process each, so they are summed. Gauges of the ledger are read from the one ledger by every
process, so the sum would count each doubt as often as there are gateways: they are taken by `max`. A process that
cannot read the ledger keeps what it read last, and says so by `ledger_readable`, which is looked at in each.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

JOB: Final = "einmal"
"""What Prometheus calls the gateways; the `up` of this job tells whether they can be scraped."""

WORKERS: Final = "einmal-work"
"""`einmal work --port`: its metrics are added to theirs. It does nothing that gateways do not do too."""

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Severity(StrEnum):
    CRITICAL = "critical"
    """Callers are turned away, or the last layer had to step in: now."""
    WARNING = "warning"
    """Today."""


@dataclass(frozen=True, slots=True)
class Alert:
    """`lasting_seconds`: how long it must be so. `heard`: what callers hear meanwhile, for who reads it at night."""

    name: str
    expression: str
    lasting_seconds: int
    severity: Severity
    summary: str
    heard: str

    @property
    def runbook(self) -> str:
        return f"docs/operating.md#{self.name.lower()}"


_REJECTIONS: Final = "{ns}_duplicate_booking_rejections_total"
_APPOINTMENTS: Final = "{ns}_appointments_created_total"
_WEBHOOKS: Final = '{ns}_webhooks_total{{source="calcom",outcome="received"}}'

GUARD: Final = (
    Alert(
        "HighDuplicateRejectionRate",
        "max({ns}_duplicate_prevention_rate) > 10",
        10 * MINUTE,
        Severity.WARNING,
        "More than a tenth of what was booked or refused in 24 hours was refused as a duplicate.",
        "Callers whose booking was refused hear that the time is taken or has been booked already, and are offered "
        "others. Nobody is told of a booking that is not theirs.",
    ),
    Alert(
        "DatabaseConstraintViolation",
        f'sum(increase({_REJECTIONS}{{{{layer="layer4"}}}}[300])) > 0',
        MINUTE,
        Severity.CRITICAL,
        "The UNIQUE index caught a duplicate that every layer before it had let through.",
        "The caller of that booking heard that the time is taken, or that the request is being checked; never that it "
        "is booked. The duplicate was kept out of the ledger; a layer before it has a hole.",
    ),
    Alert(
        "StaleBookingSpike",
        f'sum(increase({_REJECTIONS}{{{{reason="stale_booking"}}}}[300])) > 5',
        5 * MINUTE,
        Severity.WARNING,
        "Cal.com answers new bookings with old ones, more than five times in five minutes.",
        "Callers hear that the time is taken, and are offered others; nobody is told of the old booking.",
    ),
    Alert(
        "NoBookingsProcessed",
        f"sum(rate({_REJECTIONS}[{HOUR}])) == 0 and sum(rate({_APPOINTMENTS}[{HOUR}])) == 0",
        30 * MINUTE,
        Severity.WARNING,
        "Nothing was booked and nothing refused for an hour.",
        "Perhaps nobody calls. Perhaps calls do not come through to the gateway, and callers hear whatever the "
        "voice agent says without it.",
    ),
    Alert(
        "ManyDuplicateRejections",
        f"sum(increase({_REJECTIONS}[{DAY}])) > 10",
        MINUTE,
        Severity.WARNING,
        "More than ten bookings were refused as duplicates within a day.",
        "Callers whose booking was refused hear that the time is taken or has been booked already, and are offered "
        "others.",
    ),
    Alert(
        "GuardLayerOff",
        "max({ns}_guard_layer_off) > 0",
        MINUTE,
        Severity.WARNING,
        "A layer of the guard is switched off.",
        "What that layer would have refused is told to callers as booked. It is only logged.",
    ),
)

PROMISES: Final = (
    Alert(
        "DoubtTooOld",
        "max({ns}_oldest_doubt_seconds) > <120>",
        MINUTE,
        Severity.WARNING,
        "A booking has been in doubt for more than two minutes.",
        "Its caller heard that the request was noted and is being checked, and waits for news. A second booking of "
        "the same wish is not made meanwhile.",
    ),
    Alert(
        "PersonMustRule",
        'max({ns}_intents_unresolved{{state="escalated"}}) > 0',
        MINUTE,
        Severity.WARNING,
        "A booking could not be found out about, and waits for a person's ruling.",
        "Its caller was told that it is being checked, and hears nothing more until somebody rules.",
    ),
    Alert(
        "NewsNotDelivered",
        "max({ns}_oldest_message_seconds) > <900>",
        5 * MINUTE,
        Severity.WARNING,
        "News that was promised to a caller has been waiting for more than fifteen minutes.",
        "Callers who were told that they would hear from the house have not heard yet.",
    ),
    Alert(
        "GhostOrOrphan",
        'max({ns}_drifts_open{{kind=~"ghost|orphan"}}) > 0',
        5 * MINUTE,
        Severity.WARNING,
        "The ledger holds a booking that the calendar does not know, or the calendar one that the ledger does not.",
        "The customer of a ghost believes in an appointment that is not in the calendar. That of an orphan may "
        "repeat the wish and hear that the time is taken, by their own booking.",
    ),
)

MACHINERY: Final = (
    Alert(
        "BreakerOpen",
        # It is open for half a minute, tried, and opened again: between two trials it looks well.
        "max(max_over_time({ns}_calendar_breakers_open[120])) > 0",
        MINUTE,
        Severity.CRITICAL,
        "Cal.com failed five times in a row and is left alone for a while.",
        "Callers hear at once that there is a technical problem and that nothing was booked, and are offered to be "
        "called back.",
    ),
    Alert(
        "LedgerNotReadable",
        "{ns}_ledger_readable < 1",
        MINUTE,
        Severity.CRITICAL,
        "A gateway cannot read the ledger.",
        "Callers hear that there was a technical problem and that nothing was booked, and are offered to be called "
        "back. That is true: without a row no booking leaves.",
    ),
    Alert(
        "NoWebhooks",
        # Three bookings, not one: a webhook may be lost. Seven days: whoever never set webhooks up is left in peace.
        f"(sum(increase({_APPOINTMENTS}[{6 * HOUR}])) > 2.5) unless (sum(increase({_WEBHOOKS}[{6 * HOUR}])) > 0) "
        f"and (sum(max_over_time({_WEBHOOKS}[{7 * DAY}])) > 0)",
        15 * MINUTE,
        Severity.WARNING,
        "Bookings are made, and Cal.com's webhooks have stopped coming.",
        "Nothing wrong: they hear of a change that the staff made in Cal.com when reconciliation has seen it, "
        "minutes to hours later.",
    ),
    Alert(
        "GatewayDown",
        f'up{{{{job="{JOB}"}}}} < 1 or absent(up{{{{job="{JOB}"}}}})',
        MINUTE,
        Severity.CRITICAL,
        "A gateway does not answer Prometheus.",
        "If it is the only one, callers hear whatever the voice agent says without it. If it only refuses the "
        "token, they hear nothing unusual, but no other alert can be trusted.",
    ),
)

ALERTS: Final = GUARD + PROMISES + MACHINERY
