"""What is wrong is told with its line, its key and what is allowed: tables of files that cannot be served."""

import pytest

from einmal.configuration import BadConfiguration, Configuration, Defaults
from einmal.configuration.read import read_configuration
from einmal.secret import Secret

ENVIRONMENT = {"KEY_A": "cal_a", "KEY_B": "cal_b"}


def read(text: str, defaults: Defaults | None = None) -> Configuration:
    return read_configuration(text, "salon.toml", defaults or Defaults(), ENVIRONMENT)


def wrong(text: str, defaults: Defaults | None = None) -> BadConfiguration:
    with pytest.raises(BadConfiguration) as bad:
        read(text, defaults)
    assert str(bad.value) == "\n".join(bad.value.told)
    return bad.value


def told(text: str, defaults: Defaults | None = None) -> list[str]:
    return [line.removeprefix("salon.toml") for line in wrong(text, defaults).told]


COLOUR = '[[services]]\nid = "f"\nname = "Farbe"\n'
PART = "[[services.segments]]\nevent_type_id = 1\nduration_minutes = 30\n"
SERVICE = '[[services]]\nname = "Schnitt"\nevent_type_id = 1\nduration_minutes = 30\n'
HOURS = 'state = "BE"\n[opening_hours]\n'
SPAN = "is no span of opening hours; write"
OWN = "is a key of the house itself, and what follows"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        # Hours
        ('monday = ["9-25"]', f':3: opening_hours.monday: "9-25" {SPAN} "09:00-18:00"'),
        ('monday = ["9 bis 18 Uhr"]', f':3: opening_hours.monday: "9 bis 18 Uhr" {SPAN} "09:00-18:00"'),
        ('monday = ["09:00-25:00"]', "there is no 25:00; a day goes from 00:00 to 24:00"),
        ('monday = ["09:60-10:00"]', "there is no 09:60; a day goes from 00:00 to 24:00"),
        ('monday = ["09:00-24:01"]', "there is no 24:01; a day goes from 00:00 to 24:00"),
        ('monday = ["18:00-09:00"]', '"18:00-09:00" ends before it begins; a span past midnight is written as two'),
        ('monday = ["09:00-09:00"]', '"09:00-09:00" ends as it begins'),
        ('monday = ["24:00-24:00"]', '"24:00-24:00" ends as it begins'),
        ('monday = ["13:00-18:00", "09:00-14:00"]', '"09:00-14:00" and "13:00-18:00" overlap'),
        ('monday = ["09:00-12:00", "12:00-18:00"]', 'begins where "09:00-12:00" ends; write one span, "09:00-18:00"'),
        ('monday = ["closed"]', f'"closed" {SPAN} "closed" without brackets'),
        ('monday = "geschlossen"', f'"geschlossen" {SPAN} "closed" or [] for a day without hours, ["09:00-18:00"] for'),
        ('monday = ["zu"]', f'"zu" {SPAN} "closed" or [] for a day without hours'),
        ("monday = [9]", "opening_hours.monday[0]: must be text in quotation marks, not a number"),
        ("monday = 9", 'must be a list of spans such as ["09:00-18:00"], or "closed", not 9'),
        ("monday = 09:00:00", 'must be a list of spans such as ["09:00-18:00"], or "closed", not 09:00:00'),
        ("monday = false", 'must be a list of spans such as ["09:00-18:00"], or "closed", not false'),
        ("tusday = []", ":3: opening_hours.tusday: there is no such key; did you mean tuesday?"),
        ("Dienstag = []", ":3: opening_hours.Dienstag: there is no such key; did you mean tuesday?"),
        ("holidays = []", "there is no such key; allowed here: monday, tuesday, wednesday, thursday, friday, saturday"),
        ("state = 'BE'", f":3: opening_hours.state: {OWN} [opening_hours] belongs to that: put it above all headers"),
        ("", ':2: opening_hours: is empty: give the days that are open, such as monday = ["09:00-18:00"]'),
        # Special days
        ('monday = []\n[special_days]\n"2026-02-30" = []', ":5: special_days.2026-02-30: there is no such day"),
        ('monday = []\n[special_days]\n"24.12.2026" = []', 'in quotation marks: "2026-12-24" = ["09:00-12:00"]'),
        ("monday = []\n[special_days]\n24.12.2026 = []", ":5: special_days.24: is no date; write year, month and day"),
        ('monday = []\n[special_days]\n"2026-12-24" = "9"', f':5: special_days.2026-12-24: "9" {SPAN} "09:00-18:00"'),
        ("monday = []\n[special_days]\nname = 'x'", f"special_days.name: {OWN} [special_days] belongs to that"),
    ],
)
def test_hours_that_cannot_be_understood(toml: str, message: str) -> None:
    """Nothing is guessed: a caller would be sent to a closed door."""
    (line,) = told(HOURS + toml)
    assert message in line


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[services]\nname = 'x'", ":1: services: must be tables, each under [[services]] in two brackets"),
        ("language = 'de'\n[services]\nname = 'x'", ":2: services: must be tables, each under [[services]] in two"),
        # Composites
        (COLOUR + PART, ":4: services[0].segments: must be 2 to 6, each a booking of its own, and there are 1"),
        (COLOUR + PART * 7, ":4: services[0].segments: must be 2 to 6, each a booking of its own, and there are 7"),
        (
            COLOUR + "segments = []",
            ":4: services[0].segments: must be 2 to 6, each a booking of its own, and there are 0",
        ),
        (COLOUR + "segments = 1", ":4: services[0].segments: must be tables, each under [[services.segments]] in two"),
        (COLOUR + "event_type_id = 1\n" + PART * 2, ":4: services[0].event_type_id: belongs into each of the"),
        (COLOUR + "duration_minutes = 9\n" + PART * 2, ":4: services[0].duration_minutes: belongs into each of the"),
        (COLOUR + "staff = ['a']\n" + PART * 2, ":4: services[0].staff: belongs into each of the [[segments]]"),
        (COLOUR.replace('id = "f"\n', "") + PART * 2, ":1: services[0]: id is missing: a word of yours, such as"),
        (COLOUR + PART + PART + "gap_minutes = -1", ":10: services[0].segments[1].gap_minutes: must be from 0 to 1440"),
        (COLOUR + PART + "gap_minutes = 5\n" + PART, ":7: services[0].segments[0].gap_minutes: is the time after the"),
        (
            COLOUR + PART + PART + "gap = 5",
            ":10: services[0].segments[1].gap: there is no such key; did you mean gap_m",
        ),
        (COLOUR + PART + PART + "staff = ['a']", ':10: services[0].segments[1].staff[0]: nobody has the id "a"; this'),
        (COLOUR + PART + PART.replace("30", "1440"), "services[0].segments: take 1470 minutes with their gaps, and"),
        (
            COLOUR + PART + "[[services.segments]]\nduration_minutes = 5",
            ":7: services[0].segments[1]: event_type_id is",
        ),
        ("services = [1]", ":1: services[0]: must be a table under [[services]], not 1"),
        (SERVICE + "id = 7", ":5: services[0].id: must be text in quotation marks, not a number"),
        (SERVICE + "price = 30", ":5: services[0].price: there is no such key; allowed here: id, name, aliases"),
        (SERVICE + "notice = 30", ":5: services[0].notice: there is no such key; did you mean notice_minutes?"),
        (SERVICE + "aliases = 'x'", ':5: services[0].aliases: must be a list in brackets: ["x"]'),
        (SERVICE + "aliases = 1", ":5: services[0].aliases: must be a list in brackets: [...]"),
        (SERVICE + "aliases = ['']", ":5: services[0].aliases[0]: must not be empty; leave the line out instead"),
        (SERVICE + "aliases = ['?']", ':5: services[0].aliases: "?" has no letter or digit, so nobody can say it'),
        (SERVICE.replace("= 1", "= '1'"), ":3: services[0].event_type_id: must be a whole number without quotation"),
        (SERVICE.replace("= 1", "= true"), ":3: services[0].event_type_id: must be a whole number, not true"),
        (SERVICE.replace("= 1", "= 0"), ":3: services[0].event_type_id: must be from 1 to 2147483647, not 0"),
        (SERVICE.replace("30", "30.5"), ":4: services[0].duration_minutes: must be a whole number, not 30.5"),
        (SERVICE.replace("30", "1441"), ":4: services[0].duration_minutes: must be from 1 to 1440, not 1441"),
        (SERVICE.replace("30", "0x" + "f" * 900), "must be from 1 to 1440, not a number beyond measure"),
        (SERVICE.replace("event_type_id = 1\n", ""), ":1: services[0]: event_type_id is missing: the number of the"),
        (SERVICE.replace("minutes", "minuten"), ":4: services[0].duration_minuten: there is no such key; did you mean"),
        (SERVICE.replace("name", "title"), ":2: services[0].title: there is no such key; did you mean name?"),
        (SERVICE + "notice_minutes = -1", ":5: services[0].notice_minutes: must be from 0 to 525600, not -1"),
        (SERVICE + "horizon_days = 0", ":5: services[0].horizon_days: must be from 1 to 1095, not 0"),
        (SERVICE + "horizon_days = 1\nnotice_minutes = 1440", ":6: services[0].notice_minutes: is longer than the"),
        (SERVICE + "staff = ['anna']", 'nobody has the id "anna"; this house names no staff, each under [[staff]]'),
        (SERVICE + "staff = ['a', 'a']\n[[staff]]\nid='a'\nname='A'", ':5: services[0].staff[1]: "a" stands twice'),
        (SERVICE + "staff = ['Anna']\n[[staff]]\nid='a1'\nname='Anna'", 'nobody has the id "Anna"; did you mean "a1"?'),
        (SERVICE + "staff = ['b']\n[[staff]]\nid='a1'\nname='Anna'", 'nobody has the id "b"; there are: a1'),
        (SERVICE + SERVICE.replace("Schnitt", "Welle"), ":5: services[1]: needs an id: without one it is that of the"),
        (
            SERVICE + SERVICE.replace("= 1", "= 2").replace("Schnitt", "SCHNITT"),
            ':6: services[1].name: "SCHNITT" is heard as "Schnitt", which stands at services[0].name (line 2) too; a',
        ),
        (
            SERVICE + SERVICE.replace("= 1", "= 2").replace("Schnitt", "Welle") + "aliases = ['Schnitt']",
            ':9: services[1].aliases: "Schnitt" stands at services[0].name (line 2) too; a caller\'s word',
        ),
        (
            "id = 'x'\n" + SERVICE + "id = 'a'\n" + SERVICE.replace("= 1", "= 2").replace("Schnitt", "B") + "id = 'a'",
            ':11: services[1].id: id "a" belongs to services[0] (line 2) already',
        ),
        (SERVICE + f"description = '{'x' * 501}'", ":5: services[0].description: must have at most 500 letters, and"),
        (
            SERVICE.replace("Schnitt", "\u202eSchnitt"),
            "services[0].name: holds a sign that cannot be seen or spoken, U+202E",
        ),
        (SERVICE.replace("Schnitt", "\\u0000"), "services[0].name: holds a sign that cannot be seen or spoken, U+0000"),
        ("[[staff]]\nid = 'a'", ":1: staff[0]: name is missing: the name that callers use"),
        ("[[staff]]\nname = 'A'", ":1: staff[0]: id is missing: a word of yours that services name this person by"),
        ("[[staff]]\nid='a'\nname='A'\nuser='x'", ":4: staff[0].user: there is no such key; did you mean user_id?"),
        ("[[staff]]\nid='a'\nname='A'\nemail='x'", ":4: staff[0].email: there is no such key; allowed here: id, name"),
        (
            "[[staff]]\nid='a'\nname='A'\nuser_id=1\n[[staff]]\nid='b'\nname='B'\nuser_id=1",
            ":8: staff[1].user_id: user_id 1 belongs to staff[0] (line 1) already",
        ),
        (
            "[[staff]]\nid='1'\nname='Jürgen'\n[[staff]]\nid='2'\nname='Herr Juergen'",
            ':6: staff[1].name: "Herr Juergen" is heard as "Jürgen", which stands at staff[0].name (line 3) too',
        ),
    ],
)
def test_services_and_staff_that_would_confuse_a_caller(toml: str, message: str) -> None:
    """One of a kind, within bounds, and told apart by what a caller says."""
    (line,) = told(toml)
    assert message in line


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("id = 'Salon Nord'", ":1: id: must be lower-case letters, digits, - and _, such as salon-nord, not"),
        ("nme = 'x'", ":1: nme: there is no such key; did you mean name?"),
        ("timezone = 'x'", ":1: timezone: there is no such key; did you mean time_zone?"),
        ("monday = []", ":1: monday: there is no such key; did you mean monday under the header [opening_hours]?"),
        ("'a.b' = 1", ':1: "a.b": there is no such key; allowed here: name, agents'),
        ("name = 5", ":1: name: must be text in quotation marks, not a number"),
        ("name = 1979-05-27", ":1: name: must be text in quotation marks, not a date or time"),
        ("name = ['x']", ":1: name: must be text in quotation marks, not a list"),
        ("name = {}", ":1: name: must be text in quotation marks, not a table"),
        ("name = true", ":1: name: must be text in quotation marks, not true or false"),
        ("name = ' '", ":1: name: must not be empty; leave the line out instead"),
        ("time_zone = 'Berlin'", ':1: time_zone: must be a time zone such as Europe/Berlin, not "Berlin"'),
        ("time_zone = '../../etc/passwd'", ":1: time_zone: must be a time zone such as Europe/Berlin"),
        ("language = 'fr'", ':1: language: must be one of de, en, not "fr"'),
        ("house_email = 'x'", ':1: house_email: must be an e-mail address, local@domain, not "x"'),
        ("calcom_base_url = 'http://u:pw@x'", ":1: calcom_base_url: must be an address such as https://api.cal.com"),
        ("calcom_base_url = 'http://example.org'", ":1: calcom_base_url: must use https, except on loopback"),
        ("agents = 'agent_1'", ':1: agents: must be a list in brackets: ["agent_1"]'),
        ("agents = ['Anna Beispiel']", ':1: agents[0]: "Anna Beispiel" is no agent\'s id; Retell shows it beside'),
        ("agents = ['a', 'a']", ':1: agents[1]: "a" stands twice'),
        ("numbers = ['030 23125000']", 'with its country code, such as "+493023125000"; if it is German, it is +4930'),
        ("numbers = ['0']", ':1: numbers[0]: "0" is no phone number with its country code'),
        ("numbers = ['0800-SALON']", ':1: numbers[0]: "0800-SALON" is no phone number with its country code'),
        ("numbers = ['+49 30']", ':1: numbers[0]: "+49 30" has a length that no phone number of its country has'),
        ("numbers = ['+0']", ':1: numbers[0]: "+0" has a length that no phone number of its country has'),
        ("numbers = ['٣٠']", "is no phone number with its country code"),
        ("numbers = [493023125000]", ":1: numbers[0]: must be text in quotation marks, not a number"),
        ("numbers = ['+493023125000', '4930 23125000']", ":1: numbers[1]: +493023125000 stands twice"),
        ("state = 'Berlin'", ':1: state: "Berlin" is no German state; did you mean "BE"?'),
        ("state = 'de-by'", ':1: state: "de-by" is no German state; did you mean "BY"?'),
        ("state = 'XX'", ':1: state: "XX" is no German state; it is one of BB, BE, BW, BY, HB, HE, HH, MV, NI, NW'),
        ("state = 'BE'\ntime_zone = 'Europe/Vienna'", ":1: state: is for German public holidays, and Europe/Vienna"),
        ("closed_on_public_holidays = true\n[opening_hours]\nmonday = []", 'give the state, such as state = "BE"'),
        ("state = 'BE'\nclosed_on_public_holidays = 'yes'\n[opening_hours]\nmonday = []", ":2: closed_on_public_holi"),
        ("state = 'BE'\nclosed_on_public_holidays = false", ":2: closed_on_public_holidays: means nothing without"),
        ("house_mail = 'a@b.de'\ncalcom_api_key = { env = 'KEY_A' }", ":1: house_mail: there is no such key; did you"),
        ("special_days = {}", ":1: special_days: means nothing without [opening_hours], to which it is the exception"),
        ("opening_hours = []", ":1: opening_hours: must be a table, [opening_hours], not a list"),
        ("policies = 1", ":1: policies: must be a table, [policies], not 1"),
        ("[policies]\ncancel_notice_hours = '24h'", ":2: policies.cancel_notice_hours: must be a number without quot"),
        ("[policies]\ncancel_notice_hours = -1", ":2: policies.cancel_notice_hours: must be from 0 to 8760, not -1"),
        ("[policies]\nmove_notice_hours = nan", ":2: policies.move_notice_hours: must be from 0 to 8760, not nan"),
        ("[policies]\nappointments_max = 0", ":2: policies.appointments_max: must be from 1 to 1000, not 0"),
        ("[policies]\nmax_appointments = 1", ":2: policies.max_appointments: there is no such key; did you mean appoi"),
        ("tenants = 1", ":1: tenants: must be tables, each under [[tenants]] in two brackets"),
        ("tenants = []", ":1: tenants: there is none; leave the line out for a file of one tenant"),
    ],
)
def test_a_house_that_cannot_be_served(toml: str, message: str) -> None:
    """Each key says what is allowed, and what was probably meant."""
    (line,) = told(toml)
    assert message in line


A = "[[tenants]]\nid = 'a'\nname = 'A'\nagents = ['agent_a']\nnumbers = ['+493023125000']\n"
B = "[[tenants]]\nid = 'b'\nname = 'B'\nagents = ['agent_b']\nnumbers = ['+493023125001']\n"
KEY_A = "calcom_api_key = { env = 'KEY_A' }\n"
RETELL = "retell_api_keys = [{ env = 'KEY_A' }]\n"
EMAIL = "house_email = 'termin@example.org'\n"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[[tenants]]\nname = 'A'\n", ":1: tenants[0]: id is missing: a word for this tenant, such as salon-nord"),
        ("[[tenants]]\nid = 'a'\n", ":1: tenants[0]: name is missing: what the house is called"),
        ("name = 'x'\n" + A, ":1: name: stands beside [[tenants]]; with them everything is said within one"),
        (A + B + "[[services]]", ":11: services: stands beside [[tenants]]; with them everything is said within one"),
        (A + B.replace("'b'", "'a'"), ':7: tenants[1].id: "a" also stands at tenants[0].id (line 2); two tenants'),
        (
            A + B.replace("agent_b", "agent_a"),
            ':9: tenants[1].agents: "agent_a" also stands at tenants[0].agents (line 4)',
        ),
        (A + B.replace("+493023125001", "0049 30 23125000"), ':10: tenants[1].numbers: "+493023125000" also stands at'),
        (A + "[[tenants]]\nid = 'b'\nname = 'B'\n", ":6: tenants[1]: has no agents, no numbers and no Retell key of"),
        (A + RETELL + B, ":7: tenants[1]: retell_api_keys is missing: other tenants have theirs, so calls must be"),
        (
            A + RETELL + B + "retell_api_key = ['x']",
            ":12: tenants[1].retell_api_key: there is no such key; did you mean",
        ),
        (A + "[[tenants]]\nid = 'b'\nname = 'B'\nagent = ['b']", ":9: tenants[1].agent: there is no such key; did you"),
        (
            A + KEY_A + EMAIL + B + EMAIL + "calcom_key = {}",
            ":14: tenants[1].calcom_key: there is no such key; did you",
        ),
        (A + KEY_A + EMAIL + B, ":8: tenants[1]: calcom_api_key is missing: with several tenants each says which"),
        (
            A + KEY_A + EMAIL + B + KEY_A.replace("KEY_A", "KEY_B"),
            ":8: tenants[1]: house_email is missing: needed beside a Cal.com key",
        ),
        (
            A + KEY_A + EMAIL + SERVICE.replace("services", "tenants.services") + B + KEY_A + EMAIL,
            ":12: tenants[1]: has no services, and the Cal.com key of tenants[0] (line 1): it would offer what",
        ),
        (
            A + "[tenants.policies]\nlanguage = 'de'\n" + B,
            f":7: tenants[0].policies.language: {OWN} [tenants.policies] belongs to that: put it above all headers but",
        ),
        (
            A + SERVICE.replace("services", "tenants.services") + "numbers = []",
            f":10: tenants[0].services[0].numbers: {OWN} [[tenants.services]] belongs to that",
        ),
    ],
)
def test_tenants_that_stand_side_by_side(toml: str, message: str) -> None:
    """No call may be two tenants' or nobody's, and no account anybody's by default."""
    (line,) = told(toml)
    assert message in line


def test_an_account_of_the_environment_is_nobodys_by_default() -> None:
    """A forgotten line would write one house's callers into another's calendar."""
    lines = told(A + EMAIL + B + EMAIL, Defaults(calcom_api_key=Secret("cal_x"), house_email="termin@example.org"))
    assert [line.partition(" is missing")[0] for line in lines] == [
        ":1: tenants[0]: calcom_api_key",
        ":7: tenants[1]: calcom_api_key",
    ]
