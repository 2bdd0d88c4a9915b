"""Settings from the environment, checked all together: every problem at once, each with its variable."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from einmal.configuration.model import Configuration, Defaults
from einmal.configuration.problems import BadConfiguration
from einmal.configuration.read import read_configuration_file
from einmal.configuration.values import is_private
from einmal.domain.reach import Channel
from einmal.settings.declared import SETTINGS
from einmal.settings.given import given
from einmal.settings.model import CHANNELS, OF_THE_TENANT, Settings


class BadSettings(Exception):
    """One line for each thing that is wrong: variable, what was wrong, what is allowed.

    `file` is what is wrong with the file of EINMAL_CONFIG, line by line; `problems` tell of that too.
    """

    def __init__(self, problems: list[str], file: BadConfiguration | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.file = file


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings. Raises BadSettings with every problem at once. An empty value counts as not set."""
    values: dict[str, Any] = {}
    handed_over = given(environment)
    environment, problems = handed_over.environment, list(handed_over.problems)
    for setting in SETTINGS:
        text = environment.get(setting.variable, "")
        try:
            values[setting.name] = setting.read(text) if text.strip() else setting.default
        except ValueError as wrong:
            problems.append(f"{setting.variable}: {wrong}")
    configuration, bad = _configuration(values, environment)
    named = bad.variables if bad is not None else configuration.variables if configuration is not None else frozenset()
    known = {setting.variable for setting in SETTINGS}
    problems += [
        f"{name}: there is no such setting; {_nearest(name, known)}"
        for name in sorted(environment)
        if name.startswith("EINMAL_") and name not in known | named
    ]
    problems += [f"EINMAL_CONFIG: {line}" for line in (bad.told if bad is not None else ())]
    # Where there is a file, each of its tenants was asked for it.
    alone = configuration is None and bad is None
    if alone and values.get("calcom_api_key") is not None and values.get("attendee_fallback_email") is None:
        problems.append(
            "EINMAL_ATTENDEE_FALLBACK_EMAIL: needed beside EINMAL_CALCOM_API_KEY, for callers who have no e-mail; "
            "an address of yours that takes mail for local+anything@domain"
        )
    if values.get("api_keys") and configuration is not None and len(configuration.tenants) > 1:
        problems.append("EINMAL_API_KEYS: is for one house; with several each has its own under [[tenants.api_keys]]")
    problems += _half_channels(environment)
    if values.get("weekly_report"):
        problems += _report_to_nobody(environment)
    problems += _in_private(values, configuration)
    if problems:
        raise BadSettings(problems, bad)
    exposed, sealed = handed_over.exposed, handed_over.sealed
    if configuration is not None:
        exposed, sealed = (*exposed, *configuration.exposed), (*sealed, *configuration.sealed)
    settings = Settings(**values, configuration=configuration, exposed=exposed, sealed=sealed)
    return _with_the_only_tenant(settings)


def _half_channels(environment: Mapping[str, str]) -> Iterator[str]:
    """A channel that somebody meant to have and that would stay silent. What is there and wrong has been told."""
    for needed in CHANNELS.values():
        variables = [f"EINMAL_{name.upper()}" for name in needed]
        missing = [variable for variable in variables if not environment.get(variable, "").strip()]
        if missing and len(missing) < len(variables):
            together = " and ".join((", ".join(variables[:-1]), variables[-1]))
            yield f"{' and '.join(missing)}: missing; set {together} together, or none of them"


def _in_private(values: Mapping[str, Any], configuration: Configuration | None) -> Iterator[str]:
    """A calendar at an address that only a network of the house reaches. What a name leads to shows when it is used."""
    if values.get("calcom_allow_private"):
        return
    told = "is an address of a private network; set EINMAL_CALCOM_ALLOW_PRIVATE=true if your own Cal.com stands there"
    if is_private(values.get("calcom_base_url") or ""):
        yield f"EINMAL_CALCOM_BASE_URL: {told}"
    for one in () if configuration is None else configuration.tenants:
        if (
            one.calcom_base_url
            and one.calcom_base_url != values.get("calcom_base_url")
            and is_private(one.calcom_base_url)
        ):
            yield f"EINMAL_CONFIG: base_url of the tenant {one.tenant_id} {told}"


def _report_to_nobody(environment: Mapping[str, str]) -> Iterator[str]:
    """The weekly report goes to a person of the house. What is half there has been told."""
    ways = (CHANNELS[Channel.MAIL], CHANNELS[Channel.SLACK])
    variables = [[f"EINMAL_{name.upper()}" for name in way] for way in ways]
    if not any(environment.get(variable, "").strip() for way in variables for variable in way):
        mail, slack = (" and ".join(way) for way in variables)
        yield f"EINMAL_WEEKLY_REPORT: there is nobody to send it to; set {mail}, or {slack}"


def _configuration(
    values: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Configuration | None, BadConfiguration | None]:
    """The file's, where one is named, or what is wrong with it. What it leaves open the environment says."""
    if values.get("config") is None:
        return None, None
    otherwise = {setting.name: setting.default for setting in SETTINGS} | dict(values)
    defaults = Defaults(**{theirs: otherwise[ours] for ours, theirs in OF_THE_TENANT.items()})
    try:
        return read_configuration_file(values["config"], defaults, environment), None
    except BadConfiguration as bad:
        return None, bad


def _with_the_only_tenant(settings: Settings) -> Settings:
    tenants = settings.configuration.tenants if settings.configuration is not None else ()
    if len(tenants) != 1:
        return settings
    own = {ours: getattr(tenants[0], theirs) for ours, theirs in OF_THE_TENANT.items()}
    return replace(settings, services=tenants[0].services, **own)


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "`einmal config check` lists those there are"
