"""A file that is right: what each key means, what is taken from the environment, and what two tenants share."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from einmal.configuration import BadConfiguration, Configuration, Defaults, TenantConfiguration
from einmal.configuration.example import example
from einmal.configuration.read import read_configuration, read_configuration_file
from einmal.domain.house import House, Policies, StaffMember
from einmal.domain.model import Segment, Service
from einmal.domain.opening import Span
from einmal.secret import Secret

KEYS = {
    "SALON_NORD_CALCOM_API_KEY": "cal_nord",
    "SALON_NORD_CALCOM_WEBHOOK_SECRET": "a word of mine",
    "SALON_NORD_RETELL_API_KEY": "key_nord",
    "PRAXIS_SUED_CALCOM_API_KEY": "cal_sued",
    "PRAXIS_SUED_RETELL_API_KEY": "key_sued",
}
ROOT = Path(__file__).parent.parent.parent
MORNING, AFTERNOON = Span(time(9), time(12, 30)), Span(time(13, 30), time(18))


def read(text: str, defaults: Defaults | None = None, /, **environment: str) -> Configuration:
    return read_configuration(text, "salon.toml", defaults or Defaults(), environment)


def alone(text: str, defaults: Defaults | None = None, /, **environment: str) -> TenantConfiguration:
    (tenant,) = read(text, defaults, **environment).tenants
    return tenant


def test_the_example_is_right_and_means_what_its_comments_say() -> None:
    """Every key of it, as the rest of the program gets it."""
    salon, practice = read(example(), **KEYS).tenants
    hours = salon.house.hours
    assert hours is not None
    assert replace(salon, house=House()) == TenantConfiguration(
        tenant_id="salon-nord",
        name="Salon Nord (Beispiel)",
        agents=("agent_0123456789abcdef", "agent_fedcba9876543210"),
        numbers=("+493023125000",),
        time_zone="Europe/Berlin",
        language="de",
        house_email="termin@example.org",
        calcom_api_key=Secret("cal_nord"),
        calcom_webhook_secret=Secret("a word of mine"),
        retell_api_keys=(Secret("key_nord"),),
        services=(
            Service(
                "haarschnitt",
                "Haarschnitt",
                2001,
                45,
                ("Haare schneiden", "Herrenschnitt", "Damenschnitt"),
                ("anna", "ben"),
                timedelta(hours=2),
                timedelta(days=90),
                "Waschen, Schneiden und Föhnen.",
            ),
            Service("dauerwelle", "Dauerwelle", 2002, 135, (), ("anna",), timedelta(days=1), timedelta(days=365)),
            Service(
                "faerben",
                "Färben",
                2003,
                120,
                ("Farbe",),
                ("anna", "ben"),
                horizon=timedelta(days=365),
                segments=(Segment(2003, 30, 0, ("anna",)), Segment(2001, 45, 45, ("ben",))),
            ),
        ),
    )
    fee = "Bei einer Absage am selben Tag berechnen wir die Hälfte des Preises."
    assert salon.house == House(
        hours,
        (StaffMember("anna", "Anna", ("Frau Beispiel",), 101), StaffMember("ben", "Ben", (), 102)),
        Policies(timedelta(hours=24), timedelta(hours=24), 3, fee),
        "BE",
        "Beispielstraße 1, 10115 Berlin",
    )
    assert hours.weekly[:2] == ((), (MORNING, AFTERNOON))
    assert hours.on(date(2026, 12, 24)) == (Span(time(9), time(12)),)
    assert hours.on(date(2026, 12, 25)) == (), "a holiday"
    assert (practice.services, practice.house) == ((), House())
    assert practice.calcom_api_key == Secret("cal_sued")


def test_the_examples_of_the_page_are_right(tmp_path: Path) -> None:
    """docs/configuration.md shows nothing that would be refused."""
    (tmp_path / "secret").write_text("cal_x\n")
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    blocks = [part.partition("\n```")[0] for part in page.split("```toml\n")[1:]]
    assert len(blocks) >= 2
    for block in blocks:
        read_configuration(block, "page", Defaults(), KEYS, lambda _: b"cal_x\n")


SEGMENT = "[[services]]\nid = 'f'\nname = 'F'\n[[services.segments]]\nx = 1"


def test_every_key_is_on_the_page_and_in_the_example() -> None:
    """What can be written is documented: the page names it, and the example shows it."""
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for text in ("x = 1", "[[services]]\nx = 1", SEGMENT, "[[staff]]\nx = 1", "[policies]\nx = 1"):
        with pytest.raises(BadConfiguration) as bad:
            read(text)
        message = next(one.message for one in bad.value.problems if "allowed here: " in one.message)
        keys = message.partition("allowed here: ")[2].split(", ")
        assert len(keys) >= 4
        for key in keys:
            assert f"`{key}`" in page or f"[{key}]" in page, key
            assert f"{key} =" in example() or f".{key}]" in example() or key == "calcom_base_url", key


def test_one_house_needs_no_tenants_and_takes_the_rest_from_the_environment() -> None:
    """Today's file of services alone is a whole configuration."""
    defaults = Defaults(
        "Europe/Vienna",
        "en",
        "termin@example.org",
        Secret("cal_env"),
        "https://api.cal.eu",
        (Secret("key_env"),),
        Secret("hush"),
    )
    tenant = alone('[[services]]\nname = "Schnitt"\nevent_type_id = 7\nduration_minutes = 30\n', defaults)
    assert tenant == TenantConfiguration(
        tenant_id="default",
        name="default",
        time_zone="Europe/Vienna",
        language="en",
        house_email="termin@example.org",
        calcom_api_key=Secret("cal_env"),
        calcom_base_url="https://api.cal.eu",
        retell_api_keys=(Secret("key_env"),),
        calcom_webhook_secret=Secret("hush"),
        services=(Service("7", "Schnitt", 7, 30, horizon=timedelta(days=365)),),
    )


def test_what_the_file_says_overrules_the_environment() -> None:
    """A house's own words about itself count."""
    text = (
        'time_zone = "Europe/Zurich"\nlanguage = "de"\nhouse_email = " salon@example.org "\n'
        'calcom_base_url = "https://api.cal.eu/v2/"\ncalcom_api_key = { env = "A" }\nretell_api_keys = [{ env = "A" }]'
    )
    defaults = Defaults("UTC", "en", "x@example.org", Secret("b"), "https://api.cal.com", (Secret("c"),))
    tenant = alone(text, defaults, A=" cal_a ")
    assert (tenant.time_zone, tenant.language, tenant.house_email) == ("Europe/Zurich", "de", "salon@example.org")
    assert (tenant.calcom_base_url, tenant.calcom_api_key) == ("https://api.cal.eu", Secret("cal_a"))
    assert tenant.retell_api_keys == (Secret("cal_a"),)


@pytest.mark.parametrize(
    "header", ["language = 'de'", '[[tenants]]\nid = "a"\nname = "A"\n'], ids=["top", "one-tenant"]
)
def test_a_single_house_has_the_account_of_the_environment(header: str) -> None:
    """Whether it stands under [[tenants]] or not; several each name their own."""
    defaults = Defaults(calcom_api_key=Secret("cal_env"), house_email="termin@example.org")
    assert alone(header, defaults).calcom_api_key == Secret("cal_env")


def test_several_share_what_harms_nobody() -> None:
    """Zone, language, Retell's key and the house address may come from the environment; an account may not."""
    defaults = Defaults("UTC", "en", "x@example.org", None, "https://api.cal.eu", (Secret("r"),), Secret("w"))
    tenants = read(
        '[[tenants]]\nid = "a"\nname = "A"\nagents = ["a"]\ncalcom_api_key = { env = "A" }\n'
        '[[tenants]]\nid = "b"\nname = "B"\nnumbers = ["+493023125000"]\ncalcom_api_key = { env = "B" }\n',
        defaults,
        A="1",
        B="2",
    ).tenants
    for tenant in tenants:
        assert (tenant.time_zone, tenant.language, tenant.house_email) == ("UTC", "en", "x@example.org")
        assert (tenant.calcom_base_url, tenant.retell_api_keys) == ("https://api.cal.eu", (Secret("r"),))
        assert tenant.calcom_webhook_secret is None
    assert [tenant.calcom_api_key for tenant in tenants] == [Secret("1"), Secret("2")]


def test_a_retell_key_of_its_own_is_enough_to_be_called() -> None:
    """A call that tells no agent and no number is its house's whose key signed it; a key of two is nobody's."""
    first = '[[tenants]]\nid = "a"\nname = "A"\nagents = ["a"]\nretell_api_keys = [{ env = "A" }]\n'
    second = '[[tenants]]\nid = "b"\nname = "B"\nretell_api_keys = [{ env = "B" }]\n'
    assert len(read(first + second, A="key_1", B="key_2").tenants) == 2
    with pytest.raises(BadConfiguration, match="no Retell key of its own"):
        read(first + second, A="key_1", B="key_1")


def test_without_any_account_all_are_on_the_simulator() -> None:
    """A trial needs no keys."""
    tenants = read('[[tenants]]\nid="a"\nname="A"\nagents=["a"]\n[[tenants]]\nid="b"\nname="B"\nagents=["b"]').tenants
    assert [tenant.calcom_api_key for tenant in tenants] == [None, None]


def test_one_account_may_be_several_tenants_if_each_lists_its_services() -> None:
    """An agency with one account; the event types are told apart by the file."""
    row = '[[tenants.services]]\nname = "X"\nevent_type_id = 1\nduration_minutes = 30\n'
    tenant = '[[tenants]]\nid = "{0}"\nname = "X"\nagents = ["{0}"]\ncalcom_api_key = {{ env = "A" }}\n' + row
    defaults = Defaults(house_email="termin@example.org")
    assert len(read(tenant.format("a") + tenant.format("b"), defaults, A="1").tenants) == 2


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+493023125000", "+493023125000"),
        ("493023125000", "+493023125000"),
        ("00493023125000", "+493023125000"),
        ("+49 (30) 23125-000", "+493023125000"),
        ("+49/30/23125.000", "+493023125000"),
        ("+43 1 5880000", "+4315880000"),
        ("+1 202-555-0142", "+12025550142"),
    ],
)
def test_a_called_number_is_e_164_however_it_is_written(written: str, number: str) -> None:
    """ "4930…" is "+4930…": carriers send it so."""
    assert alone(f'numbers = ["{written}"]').numbers == (number,)


@pytest.mark.parametrize(
    ("written", "spans"),
    [
        ('["09:00-12:30", "13:30-18:00"]', (MORNING, AFTERNOON)),
        ('["13:30-18:00", "9:00-12:30"]', (MORNING, AFTERNOON)),
        ('["09:00 – 12:30", "13:30—18:00"]', (MORNING, AFTERNOON)),
        ('"09:00-12:30"', (MORNING,)),
        ('["00:00-24:00"]', (Span(time(0), time(0)),)),
        ('["18:00-00:00"]', (Span(time(18), time(0)),)),
        ("[]", ()),
        ('"closed"', ()),
    ],
)
def test_hours_as_people_write_them(written: str, spans: tuple[Span, ...]) -> None:
    """In any order, with a blank or a long dash; a day may end at midnight; and what was not said is closed."""
    hours = alone(f"[opening_hours]\nmonday = {written}\n[special_days]\n2026-12-24 = {written}\n").house.hours
    assert hours is not None
    assert hours.weekly == (spans, (), (), (), (), (), ())
    assert hours.on(date(2026, 12, 24)) == spans


@pytest.mark.parametrize(
    ("toml", "open_at"),
    [('state = "BE"\n', False), ('state = "BE"\nclosed_on_public_holidays = false\n', True), ("", True)],
)
def test_who_names_a_state_is_closed_on_its_holidays(toml: str, open_at: bool) -> None:
    """Unless it says otherwise; and nobody's holidays are guessed."""
    hours = alone(toml + '[opening_hours]\nmonday = ["09:00-18:00"]\n').house.hours
    assert hours is not None
    women_s_day = datetime.combine(date(2027, 3, 8), time(10))
    assert hours.admits(women_s_day, timedelta(minutes=30)) is open_at


def test_a_state_without_hours_settles_nothing() -> None:
    """It is known, for whoever asks; nothing is closed by it."""
    assert alone('state = "BY"').house == House(state="BY")


@pytest.mark.parametrize("text", ['"""\n  Erst waschen,\n  dann schneiden.\n"""', '"Erst  waschen, dann\\nschneiden."'])
def test_a_sentence_over_several_lines_is_one(text: str) -> None:
    """It is spoken: line breaks are blanks."""
    row = '[[services]]\nname = "Schnitt"\nevent_type_id = 7\nduration_minutes = 30\ndescription = '
    assert alone(row + text).services[0].description == "Erst waschen, dann schneiden."


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """As Docker and systemd hand them in: with a line break at the end."""
    (tmp_path / "key").write_text("cal_from_file\n")
    text = f'calcom_api_key = {{ file = "{tmp_path / "key"}" }}\nhouse_email = "termin@example.org"'
    assert alone(text).calcom_api_key == Secret("cal_from_file")


def test_two_that_say_the_same_are_equal_and_a_new_key_makes_a_difference() -> None:
    """By this the gateway knows that a file changed: hours, holidays and secrets compare by value."""
    first, second = read(example(), **KEYS), read(example(), **KEYS)
    assert first == second
    assert first.digest == second.digest
    assert read(example(), **KEYS | {"PRAXIS_SUED_RETELL_API_KEY": "key_new"}) != first
    assert read(example() + "\n# a comment", **KEYS).tenants == first.tenants
    assert read(example() + "\n# a comment", **KEYS).digest != first.digest
    assert first.variables == frozenset(KEYS)


def test_a_mark_before_the_first_letter_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    """As Notepad saves it."""
    path = tmp_path / "salon.toml"
    path.write_bytes(b"\xef\xbb\xbf" + example().replace("\n", "\r\n").encode())
    assert read_configuration_file(path, Defaults(), KEYS).tenants == read(example(), **KEYS).tenants


def test_no_secret_is_in_what_is_printed() -> None:
    """A configuration in a log or a traceback tells no key."""
    configuration = read(example(), **KEYS)
    assert not [value for value in KEYS.values() if value in repr(configuration)]
