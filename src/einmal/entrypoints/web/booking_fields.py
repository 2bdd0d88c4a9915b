"""What was typed into the form, and the wish that it is. It is understood as on the phone; nothing is guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import Fields, clean
from einmal.adapters.functions.wish import Understood, service_said, understand
from einmal.domain.keys import normal_name
from einmal.domain.model import Offer, Service, Wish
from einmal.domain.reply import Missing, Reply
from einmal.domain.search import Search
from einmal.domain.slot import slot_name
from einmal.ports import Tenant
from einmal.speech.contact import phone_number, region_of_zone

TEXT_MAX: Final = 200
SLOT_FORM: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Filled:
    """As it was typed, so that it can be shown again: hostile text."""

    name: str = ""
    service: str = ""
    slot: str = ""
    phone: str = ""
    email: str = ""
    since: str = ""
    """From which day on times are shown."""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        return cls(**{name: fields.get(name, "")[:TEXT_MAX] for name in cls.__slots__})

    @classmethod
    def of_wish(cls, wish: Wish, zone: ZoneInfo) -> Self:
        """The form that this wish came from."""
        person = wish.person
        slot = wish.start.astimezone(zone).strftime(SLOT_FORM)
        return cls(person.name, wish.service.name, slot, person.phone or "", person.email or "")

    def __repr__(self) -> str:
        return f"Filled({self.service!r}, {self.slot!r})"  # never who it is


Problems = Mapping[str, str]
"""By the field's name, a key of Words that says what is missing or odd."""

_PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "name": ("name", "book_name_missing"),
    "service": ("service", "book_service_missing"),
    "service_unknown": ("service", "book_service_unknown"),
    "email_odd": ("email", "book_email_odd"),
    "date_past": ("slot", "book_slot_past"),
}
"""By what is missing, whose problem it is. What is not named here is the time's."""


def wished(filled: Filled, form_id: str, tenant: Tenant, now: datetime) -> Wish | Problems:
    """The wish of a conversation of its own, the form's; or what to mend first."""
    service = service_of(filled, tenant)
    start = _start(filled.slot, ZoneInfo(tenant.time_zone))
    args = {"name": filled.name, "email": filled.email, "telefon": filled.phone}
    if isinstance(service, Service) and start is not None:
        args["slot"] = slot_name(Offer(start, service.service_id), tenant.hash_key)
    else:
        args["dienstleistung"] = filled.service
    understood = understand(FunctionCall(None, args, said_call_id=form_id), tenant, now, books=True)
    problems = _odd_contact(filled, tenant)
    match understood:
        case Reply(missing=missing):
            named = (_PROBLEMS.get(one.value, ("slot", "book_slot_missing")) for one in missing)
            return {**dict(named), **problems}
        case Understood(wish=wish) if not problems:
            # An address that identifies nobody, the house's own say, is dropped on the phone. Here one can be told.
            typed = clean(filled.email)
            return wish if typed is None or wish.person.email else {"email": "book_email_odd"}
        case Understood():
            return problems
        case Search():
            raise AssertionError("a booking is no search")


def service_of(filled: Filled, tenant: Tenant) -> Service | Missing:
    """The service that was typed, by any of its names."""
    return service_said(Fields(service=clean(filled.service)), tenant)


def is_same(wish: Wish, other: Wish) -> bool:
    """Whether one form was sent twice, not changed in between."""
    same_slot = (wish.service.service_id, wish.start) == (other.service.service_id, other.start)
    return same_slot and normal_name(wish.person.name) == normal_name(other.person.name)


def day_of(text: str) -> date | None:
    """A day as links and buttons name it, or None for anything else."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-12-01") else None
    except ValueError:
        return None


def _start(slot: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.strptime(slot, SLOT_FORM).replace(tzinfo=zone)
    except ValueError:
        return None


def _odd_contact(filled: Filled, tenant: Tenant) -> dict[str, str]:
    """A number that cannot be dialled is dropped on the phone, where the line tells who it is. Here nothing does."""
    typed = clean(filled.phone)
    if typed is None:
        return {}
    number = phone_number(typed, region_of_zone(tenant.time_zone))
    return {"phone": "book_phone_odd"} if number is None or number in tenant.numbers else {}
