"""Which Cal.com accounts `einmal webhooks` is about, with what secret, and where their webhooks should go."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from einmal.adapters.calcom.registration import PATH
from einmal.assembly import account_id
from einmal.configuration import TenantConfiguration
from einmal.configuration.model import DEFAULT_TENANT
from einmal.configuration.values import https, is_loopback
from einmal.domain.model import Service
from einmal.secret import Secret
from einmal.settings import Settings


class Misused(Exception):
    """What was asked for cannot be done; `args[0]` says why, and what can."""


@dataclass(frozen=True, slots=True)
class Account:
    """One Cal.com account: it has one subscription for an address, whoever of the tenants it serves."""

    tenants: tuple[TenantConfiguration, ...]
    base_url: str
    secret: Secret

    @property
    def names(self) -> str:
        """Of its tenants; nothing where there is one and nobody gave it a name."""
        return ", ".join(one.tenant_id for one in self.tenants if one.tenant_id != DEFAULT_TENANT)

    @property
    def services(self) -> tuple[Service, ...]:
        """None where one of them names none: it offers whatever Cal.com lists."""
        named = [one.services for one in self.tenants]
        return tuple(service for services in named for service in services) if all(named) else ()


def accounts_of(settings: Settings, tenant_id: str | None) -> list[Account]:
    """The accounts of the tenants, or of the one that is named. Raises Misused."""
    tenants = {one.tenant_id: one for one in settings.tenants}
    if tenant_id is not None and tenant_id not in tenants:
        raise Misused(f"there is no tenant {tenant_id!r}; there are {', '.join(tenants)}")
    if all(one.calcom_api_key is None for one in tenants.values()):
        raise Misused(
            "EINMAL_CALCOM_API_KEY is not set: bookings go to the built-in simulator, and there is no Cal.com account "
            "to set webhooks up at"
        )
    grouped: dict[tuple[str, str], list[TenantConfiguration]] = {}
    for one in tenants.values():
        grouped.setdefault((account_id(one), _base_url(settings, one)), []).append(one)
    wanted = [group for group in grouped.values() if tenant_id is None or tenants[tenant_id] in group]
    return [_account(settings, group) for group in wanted]


def _account(settings: Settings, group: Sequence[TenantConfiguration]) -> Account:
    secrets = {one.tenant_id: one.calcom_webhook_secret for one in group}
    for whose, secret in secrets.items():
        if secret is None:
            raise Misused(_no_secret(whose, several=len(settings.tenants) > 1))
    known = [secret for secret in secrets.values() if secret is not None]
    if any(secret != known[0] for secret in known):
        raise Misused(
            f"{', '.join(secrets)} share one Cal.com account, which knows one webhook for an address: give "
            "them the same calcom_webhook_secret"
        )
    return Account(tuple(group), _base_url(settings, group[0]), known[0])


def _base_url(settings: Settings, tenant: TenantConfiguration) -> str:
    return tenant.calcom_base_url or settings.calcom_base_url


def _no_secret(tenant_id: str, *, several: bool) -> str:
    where = (
        f'calcom_webhook_secret = {{ env = "NAME" }} under the tenant {tenant_id} in the file of EINMAL_CONFIG, and in '
        "the environment's variable of that name"
        if several
        else "EINMAL_CALCOM_WEBHOOK_SECRET"
    )
    return (
        "there is no webhook secret, and without one no webhook is taken. Make one with `openssl rand -hex 32`, set it "
        f"as {where}, restart the gateway, and run this again: Cal.com is given the same one"
    )


def webhook_address(text: str, accounts: Sequence[Account]) -> str:
    """The gateway's address with the webhooks' path. Raises Misused."""
    try:
        base = https(text)
    except ValueError as wrong:
        raise Misused(f"--url {wrong}") from None
    if "?" in base:
        raise Misused("--url must be an address without a query, such as https://gateway.example")
    base = base.rstrip("/").removesuffix(PATH).rstrip("/")
    far = [one for one in accounts if not is_loopback(urlsplit(one.base_url).hostname or "")]
    if far and is_loopback(urlsplit(base).hostname or ""):
        raise Misused(
            f"--url {base} is this machine, and {far[0].base_url} cannot reach it; say the gateway's public address, "
            "such as https://gateway.example"
        )
    return base + PATH
