"""The tables of appointments and customers, and layer 4: no booking uid stands here twice."""

from dataclasses import dataclass
from datetime import datetime

from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.keys import normal_name
from einmal.domain.model import Booking, BookingStatus, Person
from einmal.domain.reply import BookedSlot
from einmal.ports import BookingUidTaken, Ids
from einmal.simulator.memory.commit import ConstraintViolated, kept


@dataclass(slots=True)
class Customer:
    customer_id: str
    tenant_id: str
    name: str
    phone: str | None
    email: str | None
    created_at: datetime


@dataclass(slots=True)
class Appointment:
    """Follows its intent. `uid` is the booking's; the other fields are as in the schema."""

    appointment_id: str
    tenant_id: str
    intent_id: str
    customer: Customer
    service_id: str
    call_id: str | None
    start: datetime
    end: datetime
    staff: str | None
    status: State
    uid: str
    confirmed_at: datetime | None
    created_at: datetime

    def slot(self, service: str) -> BookedSlot:
        return BookedSlot(self.appointment_id, self.start, self.end, service, self.staff)


Drawn = tuple[Appointment, Customer | None]
"""An appointment, and its customer where that is a new one."""


class AppointmentTable:
    """`by_intent` holds them all. `unique_uid` is layer 4, and may be switched off as in the schema."""

    def __init__(self, unique_uid: bool = True) -> None:  # noqa: FBT001, FBT002 - handed through by MemoryBooks
        self.unique_uid = unique_uid
        self.by_intent: dict[str, Appointment] = {}
        self.customers: list[Customer] = []
        self._by_uid: dict[str, Appointment] = {}
        self._doubles: list[Appointment] = []
        """What layer 4 would have refused."""
        self._by_phone: dict[tuple[str, str], Customer] = {}
        self._by_email: dict[tuple[str, str], Customer] = {}
        self._by_name: dict[tuple[str, str], set[str]] = {}
        self._named = 0

    def drawn_up(self, intent: Intent, booking: Booking, state: State, at: datetime, ids: Ids) -> Drawn:
        """What this booking makes, not yet written. Raises BookingUidTaken or ConstraintViolated."""
        wish = intent.wish
        known = self._customer(wish.tenant_id, wish.person)
        customer = known or _new_customer(wish.tenant_id, wish.person, at, ids)
        appointment_id = ids.time_ordered()
        if self.unique_uid and booking.uid in self._by_uid:
            raise BookingUidTaken(booking.uid)
        if intent.intent_id in self.by_intent:
            raise ConstraintViolated("unique_appointment_intent")
        made = Appointment(
            appointment_id,
            wish.tenant_id,
            intent.intent_id,
            customer,
            wish.service.service_id,
            wish.conversation_id,
            kept(booking.start),
            kept(booking.end or booking.start + wish.service.duration),
            booking.host_name,
            state,
            booking.uid,
            at if booking.status is BookingStatus.ACCEPTED else None,
            at,
        )
        return made, None if known else customer

    def put(self, made: Appointment, customer: Customer | None) -> None:
        """A new one, and its customer if that is a new one too."""
        if customer is not None:
            self.customers.append(customer)
            if customer.phone is not None:
                self._by_phone.setdefault((made.tenant_id, customer.phone), customer)
            if customer.email is not None:
                self._by_email.setdefault((made.tenant_id, customer.email), customer)
        self.by_intent[made.intent_id] = made
        if self._by_uid.setdefault(made.uid, made) is not made:
            self._doubles.append(made)

    def move(self, intent_id: str, state: State, at: datetime) -> None:
        """It follows its intent; when it was first confirmed stays on record."""
        made = self.by_intent.get(intent_id)
        if made is not None:
            made.status = state
            if state is State.CONFIRMED and made.confirmed_at is None:
                made.confirmed_at = at

    def holding(self, uid: str) -> list[Appointment]:
        """Those with this booking: at most one, unless layer 4 was off."""
        first = self._by_uid.get(uid)
        return [] if first is None else [first, *(made for made in self._doubles if made.uid == uid)]

    def live_of(self, tenant_id: str, name: str) -> int:
        """Live appointments of the customers of this name. All are looked through: no flow asks for it."""
        for customer in self.customers[self._named :]:
            name_key = (customer.tenant_id, normal_name(customer.name))
            self._by_name.setdefault(name_key, set()).add(customer.customer_id)
        self._named = len(self.customers)
        named = self._by_name.get((tenant_id, normal_name(name)), set())
        return sum(made.customer.customer_id in named and made.status in BOOKED for made in self.by_intent.values())

    def name_of(self, tenant_id: str, phone: str) -> str | None:
        """The name of the customer with this number."""
        customer = self._by_phone.get((tenant_id, phone))
        return None if customer is None else customer.name

    def _customer(self, tenant_id: str, person: Person) -> Customer | None:
        """Found by phone, else by e-mail. A name alone identifies nobody."""
        found = None if person.phone is None else self._by_phone.get((tenant_id, person.phone))
        if found is None and person.email is not None:
            found = self._by_email.get((tenant_id, person.email))
        return found


def _new_customer(tenant_id: str, person: Person, at: datetime, ids: Ids) -> Customer:
    customer_id = ids.time_ordered()
    if person.phone == "" or person.email == "":
        raise ConstraintViolated("absent_is_null")
    return Customer(customer_id, tenant_id, person.name, person.phone, person.email, at)
