"""The event types of the account, as services: what can be booked when no configuration says otherwise."""

from typing import Final

from einmal.adapters.calcom.calendar import Account
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireRequest
from einmal.adapters.calcom.wire import Unreadable, json_object
from einmal.domain.model import Service

MINUTES_MAX: Final = 24 * 60
EVENT_TYPES_VERSION: Final = "2024-06-14"


class NoServices(Exception):
    """The account's event types could not be had. `args[0]` says why in words for the operator."""


class KeyRefused(NoServices):
    """And those of an earlier start are not this account's either."""


async def list_services(transport: Transport, account: Account, deadline: float) -> tuple[Service, ...]:
    """Every event type with an id, a title and a length. Raises NoServices."""
    headers = {"cal-api-version": EVENT_TYPES_VERSION, "Accept": "application/json"}
    if account.api_key is not None:
        headers["Authorization"] = f"Bearer {account.api_key}"
    try:
        answer = await transport.send(WireRequest("GET", "/v2/event-types", headers, b"", deadline, deadline))
    except (NeverSent, MaybeSent) as failure:
        raise NoServices(f"Cal.com cannot be reached ({failure.args[0]})") from failure
    if answer.status in {401, 403}:
        raise KeyRefused("Cal.com refuses the API key; check EINMAL_CALCOM_API_KEY, or the tenant's calcom_api_key")
    if answer.status != 200:
        raise NoServices(f"Cal.com answered {answer.status} when asked for its event types")
    try:
        rows = json_object(answer.body).get("data")
    except Unreadable:
        rows = None
    services = tuple(
        Service(str(row["id"]), row["title"], row["id"], row["lengthInMinutes"])
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
        and _positive(row.get("id"))
        and isinstance(row.get("title"), str)
        and row["title"].strip()
        and row["title"].isprintable()
        and _positive(row.get("lengthInMinutes"))
        and row["lengthInMinutes"] <= MINUTES_MAX
    )
    if not services:
        raise NoServices("this Cal.com account lists no event types; name them in the file of EINMAL_CONFIG")
    return services


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
