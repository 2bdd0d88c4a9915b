"""The gateway's methods, each of them a function call of the house's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.names import Does
from einmal.adapters.strict_json import vouched_id
from einmal.domain.reply import Reply
from einmal.entrypoints.http.functions import Functions
from einmal.entrypoints.http.instants import as_heard
from einmal.library.opening import opened, settings_of, whose
from einmal.library.values import BadArgument, CannotOpen, Customer, NotOpen, Result, Service, result_of
from einmal.settings import Settings
from einmal.speech.contact import WITHHELD, phone_number, region_of_zone
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway as Wired

PLATFORM: Final = "library"

_Given = datetime | str | bool

_FUNCTIONS: Final = {
    "check": Does.CHECK,
    "hold": Does.RESERVE,
    "release": Does.RELEASE,
    "book": Does.BOOK,
    "cancel": Does.CANCEL,
    "move": Does.RESCHEDULE,
    "status": Does.TELL_STATUS,
}


@dataclass(frozen=True, slots=True)
class Gateway:
    """One house's gateway, as `open` gives it.

    `start` is an aware datetime, or words as they were said ("nächsten Dienstag um zehn"). `conversation_id` is the
    program's own name for one conversation, of at most two hours: what is said in it belongs together.
    """

    _wired: Wired
    _tenant_id: str
    _functions: Functions
    _closed: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @staticmethod
    @asynccontextmanager
    async def open(
        *,
        database_url: str | None = None,
        calcom_api_key: str | None = None,
        attendee_fallback_email: str | None = None,
        calcom_base_url: str | None = None,
        services: Sequence[Service] = (),
        settings: Settings | None = None,
        tenant_id: str | None = None,
    ) -> "AsyncIterator[Gateway]":
        """The gateway, and the recovery behind it, for as long as this is open. Raises CannotOpen.

        Without `services` all event types of the Cal.com account can be booked. `settings` instead of all the others
        are those of a gateway: `einmal.settings.read_settings(os.environ)`.
        """
        named = {
            "EINMAL_DATABASE_URL": database_url,
            "EINMAL_CALCOM_API_KEY": calcom_api_key,
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": attendee_fallback_email,
            "EINMAL_CALCOM_BASE_URL": calcom_base_url,
        }
        given = {variable: value for variable, value in named.items() if value is not None}
        if settings is not None and (given or services):
            raise BadArgument("give settings, or the single values, not both")
        chosen = settings or settings_of(given, services)
        tenant_id = whose(chosen, tenant_id)
        async with AsyncExitStack() as stack:
            wired = await opened(chosen, stack)
            if wired.tenancies.get(tenant_id) is None:
                raise CannotOpen(f"the tenant {tenant_id} cannot be served now; the log tells why")
            gateway = Gateway(wired, tenant_id, Functions(wired, PLATFORM, limited=False))
            try:
                yield gateway
            finally:
                gateway._closed.set()

    @property
    def services(self) -> tuple[Service, ...]:
        """What can be booked."""
        every = self._tenancy().tenant.services
        return tuple(
            Service(one.name, one.event_type_id, one.duration_minutes, one.aliases, one.description) for one in every
        )

    async def check(
        self, service: str, start: datetime | str, *, conversation_id: str | None = None, staff: str | None = None
    ) -> Result:
        """Whether it is free, or with a day in words what is free on it. Books and holds nothing."""
        return await self._call("check", conversation_id, service=service, start=start, staff=staff)

    async def hold(self, service: str, start: datetime | str, *, conversation_id: str) -> Result:
        """Keep a free time for five minutes, for this conversation. It is not booked by that."""
        return await self._call("hold", conversation_id, service=service, start=start)

    async def release(self, *, conversation_id: str) -> Result:
        """Let go of what this conversation holds. Cancels no appointment."""
        return await self._call("release", conversation_id)

    async def book(
        self,
        service: str | None,
        start: datetime | str | None,
        customer: Customer,
        *,
        conversation_id: str | None = None,
        slot: str | None = None,
        staff: str | None = None,
        additional: bool = False,
    ) -> Result:
        """Book it once, however often this is called. `slot` of an Alternative stands for service and start.

        `additional`: beside what this person has booked that day in this conversation; otherwise they are asked.
        """
        self._check(customer)
        person = {"name": customer.name, "phone": customer.phone, "email": customer.email}
        more = {"slot": slot, "staff": staff, "additional": additional or None}
        return await self._call("book", conversation_id, service=service, start=start, **person, **more)

    async def cancel(
        self,
        customer: Customer,
        start: datetime | str | None = None,
        *,
        ref: str | None = None,
        service: str | None = None,
        conversation_id: str | None = None,
    ) -> Result:
        """Cancel the customer's appointment: found by phone or conversation, else by name and start together."""
        return await self._of_theirs("cancel", customer, conversation_id, start=start, ref=ref, service=service)

    async def move(
        self,
        customer: Customer,
        new_start: datetime | str | None,
        *,
        start: datetime | str | None = None,
        ref: str | None = None,
        new_slot: str | None = None,
        conversation_id: str | None = None,
    ) -> Result:
        """Move the customer's appointment; `start` and `ref` say which, where there are several."""
        where = {"new_date": new_start, "new_slot": new_slot}
        return await self._of_theirs("move", customer, conversation_id, start=start, ref=ref, **where)

    async def status(
        self,
        customer: Customer,
        start: datetime | str | None = None,
        *,
        ref: str | None = None,
        conversation_id: str | None = None,
    ) -> Result:
        """What has become of what this conversation asked for last, or of the appointment that is named."""
        return await self._of_theirs("status", customer, conversation_id, start=start, ref=ref)

    async def _of_theirs(
        self, name: str, customer: Customer, conversation_id: str | None, **arguments: datetime | str | None
    ) -> Result:
        self._check(customer)
        return await self._call(name, conversation_id, customer.phone, name=customer.name or None, **arguments)

    def _check(self, customer: Customer) -> None:
        """Raises BadArgument for a phone that is none: without it, what is booked would not be found by it again."""
        phone = (customer.phone or "").strip()
        if phone and phone.lower() not in WITHHELD:
            region = region_of_zone(self._tenancy().tenant.time_zone)
            if phone_number(phone, region) is None:
                raise BadArgument("phone must be a number, such as +4930901820, or None")

    async def _call(
        self,
        function: str,
        conversation_id: str | None,
        line: str | None = None,
        /,
        **arguments: datetime | str | bool | None,
    ) -> Result:
        tenancy = self._tenancy()
        if conversation_id is not None and vouched_id(conversation_id) is None:
            raise BadArgument("conversation_id must be 1 to 200 letters, digits, or any of _ . : @ -")
        given = {name: value for name, value in arguments.items() if value is not None}
        args = {name: _as_said(name, value, tenancy) for name, value in given.items()}
        function_call = FunctionCall(function, args, conversation_id, caller_number=line, platform=PLATFORM)
        answered = await self._functions.serve(function, _FUNCTIONS, function_call, tenancy)
        if not isinstance(answered.reply, Reply):
            raise TypeError("these functions reply")
        return result_of(answered.reply, answered.heard, answered.at, tenancy)

    def _tenancy(self) -> Tenancy:
        tenancy = self._wired.tenancies.get(self._tenant_id)
        if self._closed.is_set() or tenancy is None:
            raise NotOpen("this gateway is closed; its methods work inside `async with Gateway.open(...)` only")
        if asyncio.get_running_loop() is not self._loop:
            # What waits in that loop would never be woken from here.
            raise NotOpen("this gateway was opened in another event loop, and works in that one only")
        return tenancy


def _as_said(name: str, value: _Given, tenancy: Tenancy) -> Any:
    """A datetime as the house's clock shows it. Raises BadArgument for one that is no time of an appointment."""
    if isinstance(value, datetime):
        field_name = name.replace("date", "start")
        if value.tzinfo is None:
            raise BadArgument(f"{field_name} must be an aware datetime: give it a time zone")
        if value.second or value.microsecond:
            raise BadArgument(f"{field_name} must be a whole minute: value.replace(second=0, microsecond=0)")
        return value.astimezone(tenancy.voice.zone).isoformat()
    return as_heard(value, tenancy.voice.zone) if isinstance(value, str) and name in {"start", "new_date"} else value
