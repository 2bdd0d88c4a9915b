"""Function calls as Retell sends them: each of another person, for another slot, in another phone call.

The same for every contender, so that none is given easier work. Numbers, not chance: a round can be told apart from
the one before by where it begins to count. Filled into templates, for the load is to take as little of the machine as
it can.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

PATH: Final = "/api/retell/collect-appointment"
SERVICE: Final = "Beratung"
EVENT_TYPE: Final = 101

DAYS: Final = 700
"""Einmal takes nobody for more than two years ahead."""

MINUTES: Final = 600
"""Office hours only: a wish for an hour that the clocks skip would be a question, not a booking."""

_FIRST: Final = ("Anna", "Jürgen", "Fatma", "Paul", "Zoë", "Emil", "Marie", "Karim", "Ida", "Noah", "Lena", "Oskar")
_LAST: Final = ("Groß", "Yılmaz", "Müller", "Schmidt", "Nowak", "Weber", "Öztürk", "Klein", "Braun", "Sommer", "Vogt")
_NAMES: Final = [f"{one} {two}-{other}".encode() for one in _FIRST for two in _LAST for other in _LAST]
_TODAY: Final = datetime.now(UTC).date()
_DAYS: Final = [(_TODAY + timedelta(days=2 + number)).isoformat().encode() for number in range(DAYS)]

_CALL: Final = b"""\
{"name":"collect_appointment",\
"call":{"call_id":"call_%08xf2c4d18a","call_type":"phone_call","agent_id":"agent_7c1f0e5b9d","direction":"inbound",\
"from_number":"+4930%d","to_number":"+493055512345","start_timestamp":1760000000000},\
"args":{"datum":"%s","uhrzeit":"%02d:%02d","name":"%s","telefon":"+4930%d","dienstleistung":"Beratung"}}"""

_TO_THE_CALENDAR: Final = b"""\
{"start":"%sT%02d:%02d:00Z","eventTypeId":101,"attendee":{"name":"%s","email":"termin@salon.test",\
"timeZone":"Europe/Berlin","language":"de"},"metadata":{"call_id":"call_%08xf2c4d18a"}}"""

_HEAD: Final = b"""\
POST %s HTTP/1.1\r
Host: 127.0.0.1:%d\r
Content-Type: application/json\r
Accept: */*\r
User-Agent: Axios/1.7.7\r
Content-Length: %d\r
\r
%s"""


def request(number: int, port: int) -> bytes:
    """The whole HTTP request of this caller; about 400 bytes of it are JSON."""
    day, hour, minute, name = _wish(number)
    phone = 10_000_000 + number
    content = _CALL % (number, phone, day, hour, minute, name, phone)
    return _HEAD % (PATH.encode(), port, len(content), content)


def calendar_request(number: int, port: int) -> bytes:
    """What a gateway would ask the calendar for it."""
    content = _TO_THE_CALENDAR % (*_wish(number), number)
    return _HEAD % (b"/v2/bookings", port, len(content), content)


def _wish(number: int) -> tuple[bytes, int, int, bytes]:
    minute = 8 * 60 + number // DAYS % MINUTES
    return _DAYS[number % DAYS], minute // 60, minute % 60, _NAMES[number % len(_NAMES)]
