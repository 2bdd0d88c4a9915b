"""The mapping of an import: what a right file says, and each mistake with its line."""

import pytest

from einmal.configuration import BadConfiguration, TenantConfiguration
from einmal.configuration.importing import example, problem_at, read_mapping
from einmal.domain.intent import State
from einmal.domain.model import Segment, Service
from einmal.ports.old_tables import OldCustomers, OldTable
from einmal.secret import Secret

CANARY = "hunter2canary"
SERVICES = (
    Service("beratung", "Beratung", 101, 30, ("Gespräch",)),
    Service("schnitt", "Haarschnitt", 102, 45),
    Service("farbe", "Farbe", 103, 90, segments=(Segment(103, 30), Segment(104, 60))),
)
ONE = (TenantConfiguration("default", "default", services=SERVICES),)
TWO = tuple(TenantConfiguration(name, name, services=SERVICES) for name in ("nord", "sued"))
ENVIRONMENT = {"OLD_DATABASE_URL": f"postgresql://einmal:{CANARY}@db/alt"}
RIGHT = """[source]
url = { env = "OLD_DATABASE_URL" }
table = "appointments"
[columns]
id = "id"
booking_uid = "calcom_v2_booking_id"
service = "service_id"
starts_at = "starts_at"
created_at = "created_at"
name = "name"
[services]
"17" = "Beratung"
"""


def refused(url: str) -> None:
    if "nowhere" in url:
        raise ValueError("names no database")


def wrong(text: str, tenants: tuple[TenantConfiguration, ...] = ONE) -> BadConfiguration:
    with pytest.raises(BadConfiguration) as bad:
        read_mapping(text, "old.toml", ENVIRONMENT, tenants, refused)
    return bad.value


def test_the_example_is_right() -> None:
    """As `einmal import --example` prints it, for the house whose service it names."""
    mapping = read_mapping(example(), "old.toml", ENVIRONMENT, ONE, refused)
    assert mapping.old == OldTable(
        table="appointments",
        key="id",
        booking_uid="calcom_v2_booking_id",
        service="service_id",
        starts_at="starts_at",
        created_at="created_at",
        call_id="call_id",
        status="status",
        customer="customer_id",
        customers=OldCustomers("customers", "id", "name", "phone", "email"),
    )
    assert mapping.statuses == {"scheduled": State.CONFIRMED, "completed": State.CONFIRMED, "no_show": None}
    assert {key: service.service_id for key, service in mapping.services.items()} == {"17": "beratung"}
    assert (mapping.tenant.tenant_id, mapping.time_zone) == ("default", "Europe/Berlin")
    assert mapping.url == Secret(ENVIRONMENT["OLD_DATABASE_URL"])
    assert CANARY not in repr(mapping)


def test_the_least_is_right() -> None:
    """The person in the row itself, a zone of its own, a service by its id or by another of its names."""
    more = RIGHT.replace("[columns]", 'time_zone = "Europe/Vienna"\nnobody = ["Info@Alt.de", "+4930901820"]\n[columns]')
    mapping = read_mapping(more + '"18" = "Gespräch"\n"19" = "schnitt"', "old.toml", ENVIRONMENT, ONE, refused)
    assert (mapping.old.name, mapping.old.customers, mapping.time_zone) == ("name", None, "Europe/Vienna")
    assert mapping.nobodys == {"info@alt.de", "+4930901820"}
    assert [one.service_id for one in mapping.services.values()] == ["beratung", "beratung", "schnitt"]


def test_a_source_is_called_after_its_table_unless_it_has_a_name() -> None:
    named = RIGHT.replace("[columns]", 'name = "salon-süd.2"\n[columns]')
    for text, name in ((RIGHT, "appointments"), (named, "salon-süd.2")):
        mapping = read_mapping(text, "old.toml", ENVIRONMENT, ONE, refused)
        assert (mapping.source, mapping.old.table) == (name, "appointments")


def test_of_several_tenants_one_is_named() -> None:
    mapping = read_mapping(RIGHT + '[tenant]\nid = "sued"', "old.toml", ENVIRONMENT, TWO, refused)
    assert mapping.tenant.tenant_id == "sued"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('table = "appointments"', "", ":1: source: table is missing: the table with the appointments"),
        ('url = { env = "OLD_DATABASE_URL" }', "", ":1: source: url is missing: the database, such as"),
        ('{ env = "OLD_DATABASE_URL" }', "5", ":2: source.url: must be { env ="),
        ('{ env = "OLD_DATABASE_URL" }', '"sqlite:///nowhere"', ":2: source.url: names no database"),
        (
            '{ env = "OLD_DATABASE_URL" }',
            '{ env = "NONE" }',
            ":2: source.url.env: the environment variable NONE is not",
        ),
        ("[source]", "[sources]", "sources: there is no such key; did you mean source?"),
        ('service = "service_id"\n', "", ":4: columns: service is missing: the column that says what was booked"),
        ('service = "', 'service_id = "', ":7: columns.service_id: there is no such key; did you mean service?"),
        ('name = "name"\n', "", ":4: columns: name is missing: the column with the customer's name; or customer"),
        ('name = "name"', 'customer = "c"', ":10: columns.customer: means nothing without [customers]"),
        ('name = "name"', "name = 5", ":10: columns.name: must be text in quotation marks, not a number"),
        ('[services]\n"17" = "Beratung"\n', "", "services is missing: the table [services]; `einmal import --example`"),
        ('"17" = "Beratung"\n', "", ":11: services: is empty: say what the old ones are here"),
        ('"Beratung"', '"Massage"', ':12: services.17: "Massage": there is no such service: Beratung, Haarschnitt'),
        ('"Beratung"', '"Farbe"', ':12: services.17: "Farbe" is made of several bookings, and an old appointment is'),
        ("[services]", '[statuses]\nx = "skip"\n[services]', ":11: statuses: means nothing without a status under [co"),
        (
            "[services]",
            'status = "s"\n[statuses]\nx = "done"\n[services]',
            ":13: statuses.x: must be one of confirmed, p",
        ),
        (
            "[services]",
            '[customers]\ntable = "c"\nid = "id"\nname = "n"\n[services]',
            ":4: columns: customer is missing",
        ),
        (
            "[services]",
            '[tenant]\nid = "west"\n[services]',
            ':12: tenant.id: there is no tenant "west"; there are default',
        ),
        ("[services]", '[tenant]\nid = "default"\nid = "x"\n[services]', "is not TOML: this key stands a second time"),
        (
            'table = "appointments"',
            'table = "a"\ntime_zone = "Berlin"',
            ":4: source.time_zone: must be a time zone such",
        ),
        (
            'table = "appointments"',
            'table = "a"\nname = "nord#1"',
            ":4: source.name: must be up to 100 letters, digits, dots, hyphens and underscores",
        ),
    ],
)
def test_each_mistake_has_its_line(old: str, new: str, told: str) -> None:
    assert old in RIGHT
    bad = wrong(RIGHT.replace(old, new))
    assert any(told in line for line in bad.told), bad.told


def test_names_beside_a_table_of_people_are_one_too_many() -> None:
    joined = RIGHT.replace("[services]", 'customer = "c"\n[customers]\ntable = "c"\nid = "id"\nname = "n"\n[services]')
    assert wrong(joined).told == ["old.toml:10: columns.name: stands beside [customers]: which of the two is meant?"]


def test_all_mistakes_are_told_at_once() -> None:
    bad = wrong('[source]\ntable = 5\n[columns]\nid = "id"\n')
    assert len(bad.told) > 6
    assert bad.told[0].startswith("old.toml: ")


def test_of_several_tenants_none_is_taken_by_chance() -> None:
    [told] = wrong(RIGHT, TWO).told
    assert told.endswith('[tenant] is missing: say whose they are, such as id = "nord" (nord, sued)')


def test_a_house_without_services_is_told_where_they_come_from() -> None:
    [told] = wrong(RIGHT, (TenantConfiguration("default", "default"),)).told
    assert "services are not known yet; start `einmal serve` once" in told


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://einmal:{CANARY}@db/alt",
        f"mysql://db/alt?user=einmal&password={CANARY}",
        f"postgresql://einmal:{CANARY}/x@db/alt",
        f"postgresql://:{CANARY}@db/alt",
    ],
)
def test_a_password_in_the_file_is_refused_and_never_told(url: str) -> None:
    """Neither the message nor the line that is shown repeats it."""
    bad = wrong(RIGHT.replace('{ env = "OLD_DATABASE_URL" }', f'"{url}"'))
    [told] = bad.told
    assert told.startswith("old.toml:2: source.url: a password must not stand in this file")
    assert CANARY not in told + (bad.line_of(bad.problems[0]) or "")


def test_a_url_without_a_password_may_stand_in_it() -> None:
    mapping = read_mapping(
        RIGHT.replace('{ env = "OLD_DATABASE_URL" }', '"postgresql://einmal@db:5432/alt"'), "o", {}, ONE, refused
    )
    assert mapping.url.reveal() == "postgresql://einmal@db:5432/alt"


def test_what_only_the_database_can_tell_has_its_line_too() -> None:
    bad = problem_at(RIGHT, "old.toml", ("columns", "service"), "there is no such column")
    assert bad.told == ["old.toml:7: columns.service: there is no such column"]
    assert bad.line_of(bad.problems[0]) == 'service = "service_id"'
