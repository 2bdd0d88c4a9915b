"""Settings: what is allowed is named, what is wrong is told all at once, and no secret is ever shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.migrate import shown
from einmal.domain.keys import IdempotencyStrategy
from einmal.domain.model import Service
from einmal.domain.verdict import GuardPolicy
from einmal.settings import SETTINGS, BadSettings, Secret, Settings, is_loopback, read_settings

CANARY = "canary-7f3a91"
HOUSE = {"EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"}
VARIABLES = {setting.variable for setting in SETTINGS}
SECRETS = ["EINMAL_CALCOM_API_KEY", "EINMAL_CALCOM_WEBHOOK_SECRET", "EINMAL_RETELL_API_KEY", "EINMAL_ADMIN_TOKEN"]


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as wrong:
        read_settings(environment)
    assert str(wrong.value) == "\n".join(wrong.value.problems)
    return wrong.value.problems


def problem(environment: dict[str, str]) -> str:
    (line,) = problems(environment)
    return line


def config(folder: Path, toml: str) -> dict[str, str]:
    path = folder / "einmal.toml"
    path.write_text(toml, "utf-8")
    return {"EINMAL_CONFIG": str(path)}


def test_nothing_set_is_a_gateway_on_loopback_with_every_guard_on() -> None:
    """The defaults of the contract: loopback, Berlin, German, full guard, no keys."""
    settings = read_settings({})
    assert (settings.host, settings.port, settings.loopback) == ("127.0.0.1", 8080, True)
    assert (settings.timezone, settings.language) == ("Europe/Berlin", "de")
    assert (settings.calcom_base_url, settings.calcom_api_version) == ("https://api.cal.com", "2024-08-13")
    assert settings.metrics_namespace == "einmal"
    assert settings.guard == GuardPolicy()
    assert settings.guard.layers_off() == []
    assert settings.guard.freshness_limit == timedelta(seconds=30)
    assert settings.strategy is IdempotencyStrategy.CALL
    assert (settings.calcom_api_key, settings.calcom_webhook_secret, settings.admin_token) == (None, None, None)
    assert settings.retell_api_key == ()
    assert (settings.attendee_fallback_email, settings.config, settings.services) == (None, None, ())


def test_every_setting_of_the_contract_is_there() -> None:
    """The names that scripts and compose files rely on."""
    assert {
        *("EINMAL_DATABASE_URL", "EINMAL_CALCOM_API_KEY", "EINMAL_CALCOM_BASE_URL", "EINMAL_CALCOM_API_VERSION"),
        *("EINMAL_CALCOM_WEBHOOK_SECRET", "EINMAL_RETELL_API_KEY", "EINMAL_ATTENDEE_FALLBACK_EMAIL"),
        *("EINMAL_ADMIN_TOKEN", "EINMAL_TIMEZONE", "EINMAL_LANGUAGE", "EINMAL_METRICS_NAMESPACE", "EINMAL_CONFIG"),
        *("EINMAL_GUARD_ENABLED", "EINMAL_GUARD_OWNERSHIP", "EINMAL_GUARD_FRESHNESS", "EINMAL_GUARD_IDENTITY"),
        *("EINMAL_GUARD_LEDGER", "EINMAL_GUARD_FRESHNESS_SECONDS", "EINMAL_IDEMPOTENCY_STRATEGY"),
        *("EINMAL_HOST", "EINMAL_PORT"),
    } <= VARIABLES


def test_every_setting_has_a_field_and_a_sentence() -> None:
    """The table and the object agree, and each setting says what it is."""
    assert {setting.name for setting in SETTINGS} | {
        "services",
        "configuration",
        "exposed",
        "sealed",
        "simulated",
    } == set(Settings.__dataclass_fields__)
    assert all(setting.meaning for setting in SETTINGS)


@pytest.mark.parametrize("variable", sorted(VARIABLES))
@pytest.mark.parametrize("empty", ["", "  "], ids=["empty", "blank"])
def test_an_empty_value_counts_as_not_set(variable: str, empty: str) -> None:
    """Compose files hand in empty variables: that is the default, not an error."""
    settings = read_settings({variable: empty})
    assert settings.is_default(variable.removeprefix("EINMAL_").lower())


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("EINMAL_DATABASE_URL", "sqlite:///data/x.sqlite3", Path("data/x.sqlite3")),
        ("EINMAL_DATABASE_URL", "sqlite:////var/lib/x.sqlite3", Path("/var/lib/x.sqlite3")),
        ("EINMAL_HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104
        ("EINMAL_PORT", "1", 1),
        ("EINMAL_PORT", "65535", 65535),
        ("EINMAL_CALCOM_BASE_URL", "https://api.cal.eu", "https://api.cal.eu"),
        ("EINMAL_CALCOM_BASE_URL", "https://api.cal.com/v2", "https://api.cal.com"),
        ("EINMAL_CALCOM_BASE_URL", "https://api.cal.com/v2/", "https://api.cal.com"),
        ("EINMAL_CALCOM_BASE_URL", "https://cal.salon.test/api/v2", "https://cal.salon.test/api"),
        ("EINMAL_CALCOM_BASE_URL", "https://cal.salon.test:8443", "https://cal.salon.test:8443"),
        ("EINMAL_CALCOM_BASE_URL", "http://127.0.0.1:8090/v2", "http://127.0.0.1:8090"),
        ("EINMAL_CALCOM_BASE_URL", "http://localhost:8090", "http://localhost:8090"),
        ("EINMAL_CALCOM_BASE_URL", "http://[::1]:8090", "http://[::1]:8090"),
        ("EINMAL_CALCOM_API_VERSION", "2026-02-25", "2026-02-25"),
        ("EINMAL_TRACES_URL", " http://127.0.0.1:4318 ", "http://127.0.0.1:4318"),
        ("EINMAL_TRACES_URL", "https://traces.salon.test/v1/traces", "https://traces.salon.test/v1/traces"),
        ("EINMAL_TIMEZONE", "Europe/Vienna", "Europe/Vienna"),
        ("EINMAL_LANGUAGE", "en", "en"),
        ("EINMAL_METRICS_NAMESPACE", "api_gateway", "api_gateway"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", " termin@salon.test ", "termin@salon.test"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", "t" * 31 + "@salon.test", "t" * 31 + "@salon.test"),
        ("EINMAL_GUARD_FRESHNESS_SECONDS", "0.5", 0.5),
        ("EINMAL_GUARD_FRESHNESS_SECONDS", "86400", 86400.0),
        ("EINMAL_IDEMPOTENCY_STRATEGY", "payload", "payload"),
        *(("EINMAL_GUARD_LEDGER", text, False) for text in ("false", "FALSE", "0", "no", " off ")),
        *(("EINMAL_GUARD_LEDGER", text, True) for text in ("true", "True", "1", "yes", "on")),
    ],
)
def test_a_good_value_is_taken(variable: str, text: str, value: object) -> None:
    """Each form that is allowed is read as meant; a version on the address is taken off."""
    assert getattr(read_settings({variable: text}), variable.removeprefix("EINMAL_").lower()) == value


@pytest.mark.parametrize(
    ("variable", "wrong", "allowed"),
    [
        ("EINMAL_DATABASE_URL", "postgresql:///einmal", "postgresql://user@host/database"),
        ("EINMAL_DATABASE_URL", "postgresql://db", "postgresql://user@host/database"),
        ("EINMAL_DATABASE_URL", "postgresql://[db/einmal", "postgresql://user@host/database"),
        ("EINMAL_DATABASE_URL", "mysql://db/einmal", "sqlite:///path/to/file"),
        ("EINMAL_DATABASE_URL", "sqlite:///", "sqlite:///path/to/file"),
        ("EINMAL_DATABASE_URL", "data/einmal.sqlite3", "sqlite:///path/to/file"),
        *(("EINMAL_PORT", text, "from 1 to 65535") for text in ("0", "65536", "-1", "http", "80.0", "8080/tcp")),
        ("EINMAL_CALCOM_BASE_URL", "api.cal.com", "https://api.cal.com"),
        ("EINMAL_CALCOM_BASE_URL", "ftp://api.cal.com", "https://api.cal.com"),
        ("EINMAL_CALCOM_BASE_URL", "https://", "https://api.cal.com"),
        ("EINMAL_CALCOM_BASE_URL", "https://api.cal.com?x=1", "without user, query"),
        ("EINMAL_CALCOM_BASE_URL", "https://someone:pw@api.cal.com", "without user"),
        ("EINMAL_CALCOM_BASE_URL", "http://api.cal.com", "https, except on loopback"),
        ("EINMAL_CALCOM_BASE_URL", "http://10.0.0.1", "https, except on loopback"),
        ("EINMAL_CALCOM_BASE_URL", "http://127.0.0.1.evil.test", "https, except on loopback"),
        ("EINMAL_CALCOM_BASE_URL", "http://localhost.evil.test", "https, except on loopback"),
        *(
            ("EINMAL_TRACES_URL", text, "without user, query or fragment")
            for text in ("4318", "grpc://127.0.0.1:4317", "https://me:pw@traces.test", "https://traces.test?key=x")
        ),
        ("EINMAL_TRACES_URL", "http://traces.salon.test", "https, except on loopback"),
        ("EINMAL_CALCOM_API_VERSION", "2024-04-15", "2024-08-13, 2026-02-25"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", "salon.test", "local@domain"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", "@salon.test", "local@domain"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", "termin@", "local@domain"),
        ("EINMAL_ATTENDEE_FALLBACK_EMAIL", "t" * 32 + "@salon.test", "at most 31 letters"),
        *(("EINMAL_TIMEZONE", text, "Europe/Berlin") for text in ("Berlin", "Europe", "../etc", "/etc/tz", "UTC+1")),
        ("EINMAL_LANGUAGE", "fr", "de, en"),
        *(("EINMAL_METRICS_NAMESPACE", text, "lower-case letters") for text in ("Einmal", "1x", "a-b", "ä", "x" * 32)),
        *(("EINMAL_GUARD_ENABLED", text, "true or false") for text in ("maybe", "2", "ture")),
        ("EINMAL_GUARD_OWNERSHIP", "disabled", "true or false"),
        ("EINMAL_GUARD_FRESHNESS", "none", "true or false"),
        ("EINMAL_GUARD_IDENTITY", "x", "true or false"),
        ("EINMAL_GUARD_LEDGER", "x", "true or false"),
        *(
            ("EINMAL_GUARD_FRESHNESS_SECONDS", text, "greater than 0 and at most 86400")
            for text in ("0", "-1", "30s", "nan", "inf", "86400.1")
        ),
        ("EINMAL_REPLY_SECONDS", "0", "greater than 0"),
        ("EINMAL_IDEMPOTENCY_STRATEGY", "random", "call, payload"),
        ("EINMAL_CONFIG", "/nowhere/einmal.toml", "cannot be read"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_is_allowed(variable: str, wrong: str, allowed: str) -> None:
    """Who set it wrong reads where and what to write instead."""
    line = problem({variable: wrong})
    assert line.startswith(f"{variable}: ")
    assert allowed in line


def test_everything_wrong_is_told_at_once() -> None:
    """Nobody has to start the gateway three times to find three mistakes."""
    told = problems({"EINMAL_PORT": "x", "EINMAL_LANGUAGE": "x", "EINMAL_TYPO": "x", "EINMAL_GUARD_LEDGER": "x"})
    assert sorted(line.partition(":")[0] for line in told) == [
        *("EINMAL_GUARD_LEDGER", "EINMAL_LANGUAGE", "EINMAL_PORT", "EINMAL_TYPO"),
    ]


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("EINMAL_CALCOM_KEY", "EINMAL_CALCOM_API_KEY"),
        ("EINMAL_RETELL_KEY", "EINMAL_RETELL_API_KEY"),
        ("EINMAL_WEBHOOK_SECRET", "EINMAL_CALCOM_WEBHOOK_SECRET"),
        ("EINMAL_GUARD_FRESHNES_SECONDS", "EINMAL_GUARD_FRESHNESS_SECONDS"),
        ("EINMAL_DATABASE", "EINMAL_DATABASE_URL"),
        ("EINMAL_PROT", "EINMAL_PORT"),
        ("EINMAL_FALLBACK_EMAIL", "EINMAL_ATTENDEE_FALLBACK_EMAIL"),
        ("EINMAL_TOKEN", "EINMAL_ADMIN_TOKEN"),
        ("EINMAL_ZZZ", "`einmal config check`"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_one(variable: str, suggestion: str) -> None:
    """A typing error switches nothing off in silence; the name that was probably meant is said."""
    line = problem({variable: CANARY})
    assert line.startswith(f"{variable}: there is no such setting")
    assert suggestion in line
    assert CANARY not in line


def test_variables_of_others_are_none_of_our_business() -> None:
    """Only what begins with EINMAL_ is looked at."""
    assert read_settings({"PATH": "/bin", "HOST": "x", "XEINMAL_PORT": "y", "einmal_port": "z"}).port == 8080


def test_a_calendar_key_needs_the_house_address() -> None:
    """Callers without an e-mail need an address: without one the real calendar is not used."""
    line = problem({"EINMAL_CALCOM_API_KEY": CANARY})
    assert line.startswith("EINMAL_ATTENDEE_FALLBACK_EMAIL: ")
    assert CANARY not in line
    assert read_settings(HOUSE | {"EINMAL_CALCOM_API_KEY": "cal_x"}).attendee_fallback_email == "termin@salon.test"


# Secrets


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_never_shown(variable: str) -> None:
    """Not in the settings' repr, not in text, not beside another variable's mistake; only on demand."""
    settings = read_settings(HOUSE | {variable: CANARY})
    value = getattr(settings, variable.removeprefix("EINMAL_").lower())
    secret = value[0] if isinstance(value, tuple) else value
    assert secret.reveal() == CANARY
    assert CANARY not in f"{settings!r} {settings} {value!r} {secret!s} {secret} {[secret]}"
    assert CANARY not in "\n".join(problems(HOUSE | {variable: CANARY, "EINMAL_PORT": "x", "EINMAL_TYPO": CANARY}))


def test_a_secret_says_that_it_is_one() -> None:
    """What is shown instead of the value."""
    assert (repr(Secret(CANARY)), str(Secret(CANARY))) == ("Secret(***)", "Secret(***)")
    assert not hasattr(Secret(CANARY), "__dict__")


def test_secret_in_a_traceback_of_a_value_error_is_not_quoted() -> None:
    """A wrong value is never repeated where it could be a password put into the wrong variable."""
    wrong = dict.fromkeys(VARIABLES - {"EINMAL_HOST", "EINMAL_CONFIG", *SECRETS}, CANARY)
    assert CANARY not in "\n".join(problems(wrong))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("key_a", ["key_a"]),
        ("key_a,key_b", ["key_a", "key_b"]),
        (" key_a , key_b ", ["key_a", "key_b"]),
        ("key_a,", ["key_a"]),
    ],
)
def test_two_keys_may_be_set_during_a_rotation(text: str, keys: list[str]) -> None:
    """Retell's keys come with a comma between them; blanks and a comma too many do no harm."""
    assert [key.reveal() for key in read_settings({"EINMAL_RETELL_API_KEY": text}).retell_api_key] == keys


@pytest.mark.parametrize("text", [",", " , ,"])
def test_a_comma_alone_is_no_key(text: str) -> None:
    """Taken for "not set" it would let unsigned calls in."""
    with pytest.raises(BadSettings, match="EINMAL_RETELL_API_KEY: must be one key"):
        read_settings({"EINMAL_RETELL_API_KEY": text})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("aliases = [1]", r":2: services\[0\].aliases\[0\]: must be text in quotation marks, not a number"),
        ("duration_minutes = -5", r":2: services\[0\].duration_minutes: must be from 1 to 1440, not -5"),
        ('name = " "', r":2: services\[0\].name: must not be empty"),
        ("event_type_id = 0", r":2: services\[0\].event_type_id: must be from 1 to 2147483647, not 0"),
    ],
)
def test_a_service_that_would_break_every_call_is_refused(tmp_path: Path, row: str, words: str) -> None:
    key = row.partition(" ")[0]
    good = {"name": '"Schnitt"', "event_type_id": "7", "duration_minutes": "30"}
    lines = [row, *(f"{name} = {value}" for name, value in good.items() if name != key)]
    path = tmp_path / "services.toml"
    path.write_text("[[services]]\n" + "\n".join(lines))
    with pytest.raises(BadSettings, match=words):
        read_settings({"EINMAL_CONFIG": str(path)})


def test_two_services_of_one_id_are_refused(tmp_path: Path) -> None:
    """An offer of one would book the other."""
    row = '[[services]]\nname = "{}"\nevent_type_id = 7\nduration_minutes = 30\n'
    path = tmp_path / "services.toml"
    path.write_text(row.format("Damen") + row.format("Herren"))
    with pytest.raises(
        BadSettings, match=r":5: services\[1\]: needs an id: without one it is that of the event type, 7"
    ):
        read_settings({"EINMAL_CONFIG": str(path)})


# Guard, loopback


@pytest.mark.parametrize("layer", ["ownership", "freshness", "identity", "ledger"])
def test_each_layer_has_its_switch(layer: str) -> None:
    """Switching one layer off switches off that one and no other."""
    settings = read_settings({f"EINMAL_GUARD_{layer.upper()}": "false"})
    assert settings.guard.layers_off() == [layer]
    assert not settings.is_default(f"guard_{layer}")


def test_the_guard_as_a_whole_has_its_switch() -> None:
    """One switch for all layers, and the threshold is taken over."""
    guard = read_settings({"EINMAL_GUARD_ENABLED": "false", "EINMAL_GUARD_FRESHNESS_SECONDS": "45"}).guard
    assert guard.layers_off() == ["ownership", "freshness", "identity", "ledger"]
    assert guard.freshness_limit == timedelta(seconds=45)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "salon.test", "")),  # noqa: S104
        *((host, False) for host in ("127.0.0.1.evil.test", "localhost.test")),
    ],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    """Addresses of this machine only; a name that looks like one is not one."""
    assert is_loopback(host) is loopback
    assert not host or read_settings({"EINMAL_HOST": host}).loopback is loopback


# Services

GOOD = """
[[services]]
id = "cut"
name = "Haarschnitt"
event_type_id = 42
duration_minutes = 45
aliases = ["Herrenhaarschnitt", "Schnitt"]

[[services]]
name = "Beratung"
event_type_id = 7
duration_minutes = 30
"""


def test_services_are_read_from_toml(tmp_path: Path) -> None:
    """Id and aliases are optional; without an id the event type's number is the id."""
    year = timedelta(days=365)
    assert read_settings(config(tmp_path, GOOD)).services == (
        Service("cut", "Haarschnitt", 42, 45, ("Herrenhaarschnitt", "Schnitt"), horizon=year),
        Service("7", "Beratung", 7, 30, horizon=year),
    )


def test_a_file_without_services_has_none(tmp_path: Path) -> None:
    """It may say of a house what it likes; but one that says nothing is not a house that takes every call."""
    assert read_settings(config(tmp_path, '[opening_hours]\nmonday = ["09:00-18:00"]\n')).services == ()
    assert "says nothing" in problem(config(tmp_path, ""))


def test_the_only_tenant_of_a_file_is_what_is_in_force(tmp_path: Path) -> None:
    """What the house says of itself overrules the environment; the rest of the program need not know of tenants."""
    environment = config(
        tmp_path, 'time_zone = "Europe/Vienna"\nlanguage = "en"\nhouse_email = "a@salon.test"\n' + GOOD
    )
    settings = read_settings(environment | HOUSE | {"EINMAL_LANGUAGE": "de", "EINMAL_CALCOM_API_KEY": "cal_x"})
    assert (settings.timezone, settings.language, settings.attendee_fallback_email) == (
        "Europe/Vienna",
        "en",
        "a@salon.test",
    )
    assert settings.calcom_api_key == Secret("cal_x")
    assert settings.configuration is not None
    assert settings.configuration.tenants[0].calcom_api_key == Secret("cal_x")
    assert settings.configuration.tenants[0].tenant_id == "default"


def test_several_tenants_leave_the_settings_as_they_are(tmp_path: Path) -> None:
    """Whose zone would it be? Each has its own in the configuration."""
    tenant = '[[tenants]]\nid = "{0}"\nname = "{0}"\nagents = ["{0}"]\ntime_zone = "Europe/Vienna"\n'
    settings = read_settings(config(tmp_path, tenant.format("a") + tenant.format("b")))
    assert (settings.timezone, settings.services) == ("Europe/Berlin", ())
    assert settings.configuration is not None
    assert [one.time_zone for one in settings.configuration.tenants] == ["Europe/Vienna"] * 2


def test_without_a_file_there_is_no_configuration() -> None:
    """Then the settings tell of the one house."""
    assert read_settings({}).configuration is None


def test_a_variable_that_the_file_names_is_no_unknown_setting(tmp_path: Path) -> None:
    """A tenant's key may be called EINMAL_..., also while the file is wrong elsewhere."""
    good = 'calcom_api_key = { env = "EINMAL_SALON_KEY" }\nhouse_email = "a@salon.test"\n'
    environment = {"EINMAL_SALON_KEY": "cal_x"}
    assert read_settings(config(tmp_path, good) | environment).calcom_api_key == Secret("cal_x")
    assert ":3: language" in problem(config(tmp_path, good + 'language = "x"') | environment)
    assert problem(environment).startswith("EINMAL_SALON_KEY: there is no such setting")


def test_a_file_may_have_the_house_address_that_its_key_needs(tmp_path: Path) -> None:
    """Asked for where the key is: in the file, or in the environment."""
    key = {"EINMAL_CALCOM_API_KEY": "cal_x"}
    assert (
        read_settings(config(tmp_path, 'house_email = "a@salon.test"') | key).attendee_fallback_email == "a@salon.test"
    )
    assert "house_email is missing" in problem(config(tmp_path, 'language = "de"') | key)


def test_secrets_are_equal_by_their_value() -> None:
    """So that a configuration read again can be compared; and nothing else is equal to one."""
    assert Secret("ä") == Secret("ä")
    assert hash(Secret("ä")) == hash(Secret("ä"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


ROW = '[[services]]\nname = "Beratung"\nevent_type_id = 7\nduration_minutes = 30\n'


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        pytest.param("services = [", "is not TOML", id="no-toml"),
        pytest.param('nme = "x"\n' + ROW, ":1: nme: there is no such key; did you mean name?", id="unknown-key"),
        pytest.param("[services]\nname = 'x'", "[[services]]", id="a-table-instead-of-a-list"),
        pytest.param("services = 'x'", "[[services]]", id="text-instead-of-a-list"),
        pytest.param(
            "services = [1]", "services[0]: must be a table under [[services]], not 1", id="a-number-instead-of-a-table"
        ),
        pytest.param(ROW + "price = 30", ":5: services[0].price: there is no such key", id="unknown-key-of-a-service"),
        pytest.param(ROW + "id = 7", "services[0].id: must be text in quotation marks", id="id-is-a-number"),
        pytest.param(ROW + "aliases = 'x'", "services[0].aliases: must be a list in brackets", id="aliases-is-text"),
        pytest.param(
            ROW + ROW.replace("Beratung", "Schnitt").replace("7", "'7'"),
            ":7: services[1].event_type_id: must be a whole number",
            id="second-row",
        ),
        pytest.param(
            ROW.replace("7", "true"), "event_type_id: must be a whole number, not true", id="a-truth-is-no-number"
        ),
        pytest.param(
            ROW.replace("30", "30.5"), "duration_minutes: must be a whole number, not 30.5", id="half-a-minute"
        ),
        pytest.param(ROW.replace("name = ", "aliases = [] # "), ":1: services[0]: name is missing", id="no-name"),
        pytest.param(
            ROW.replace("event_type_id", "# "), ":1: services[0]: event_type_id is missing", id="no-event-type"
        ),
        pytest.param(
            ROW.replace("duration_minutes", "# "), ":1: services[0]: duration_minutes is missing", id="no-duration"
        ),
    ],
)
def test_a_wrong_service_says_which_and_what(tmp_path: Path, toml: str, told: str) -> None:
    """The row, the key and what is allowed; the other rows do not hide it."""
    line = problem(config(tmp_path, toml))
    assert line.startswith("EINMAL_CONFIG: ")
    assert told in line


def test_all_that_is_wrong_in_the_file_is_told(tmp_path: Path) -> None:
    """Mistakes of several rows, and of variables beside the file, come together."""
    told = problems(config(tmp_path, "[[services]]\n" + ROW + "x = 1\n") | {"EINMAL_PORT": "x"})
    assert len(told) == 5


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no-utf-8", "a-folder"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    """Neither text nor file: said in a line, without a traceback."""
    path = tmp_path / "einmal.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    assert str(path) in problem({"EINMAL_CONFIG": str(path)})


def test_settings_are_frozen() -> None:
    """Nothing changes a setting after it was checked."""
    with pytest.raises(AttributeError):
        read_settings({}).port = 1  # type: ignore[misc]


def test_the_password_of_a_database_is_shown_nowhere() -> None:
    url = "postgresql://einmal:geheim@db.test:5433/einmal?sslmode=require"
    settings = read_settings({"EINMAL_DATABASE_URL": url})
    assert settings.ledger_at == url
    assert "geheim" not in repr(settings)
    assert "geheim" not in shown(settings.ledger_at)


def test_a_weekly_report_takes_somebody_to_send_it_to() -> None:
    """Else it would be made for nobody. What is half there is told once, as what it is."""
    wanted = {"EINMAL_WEEKLY_REPORT": "true"}
    assert problem(wanted) == (
        "EINMAL_WEEKLY_REPORT: there is nobody to send it to; "
        "set EINMAL_SMTP_URL and EINMAL_MAIL_FROM and EINMAL_MAIL_TO, or EINMAL_SLACK_URL"
    )
    assert read_settings({"EINMAL_WEEKLY_REPORT": "false"}).weekly_report is False
    mail = {"EINMAL_MAIL_FROM": "einmal@salon.test", "EINMAL_MAIL_TO": "chefin@salon.test"}
    assert "EINMAL_SMTP_URL: missing" in problem(wanted | mail)
    assert read_settings(wanted | mail | {"EINMAL_SMTP_URL": "smtp://127.0.0.1"}).weekly_report
    assert read_settings(wanted | {"EINMAL_SLACK_URL": "http://127.0.0.1:1/services/T/B/x"}).weekly_report
