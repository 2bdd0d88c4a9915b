"""From fields to a wish. What names nothing here, or nobody, is told with its place; nothing is guessed."""

from datetime import datetime

from einmal.adapters.functions.fields import Fields
from einmal.adapters.functions.staff import StaffQuestion, staff_wished
from einmal.adapters.functions.wish import service_said
from einmal.adapters.rest.declared import FieldProblem
from einmal.adapters.rest.problems import Kind, Problem
from einmal.domain.keys import is_house_address
from einmal.domain.model import Person, Service, Wish
from einmal.domain.reply import Missing
from einmal.domain.slot import offer_of
from einmal.entrypoints.rest.asked import Asked
from einmal.ports import Tenant
from einmal.speech.contact import phone_number, region_of_zone


def service_named(asked: Asked, *, in_query: bool = False) -> Service:
    """The service that was named. Raises Problem."""
    service = service_said(Fields(service=asked.values["service"]), asked.tenant)
    if isinstance(service, Service):
        return service
    pointer = "service" if in_query else "/service"
    raise Problem(Kind.FIELDS, errors=[FieldProblem(pointer, _unknown(service, asked.tenant), in_query)])


def wished(asked: Asked) -> Wish:
    """The wish. Raises Problem.

    Who has no phone and no e-mail is told from others by the conversation, and without one by the request's own key:
    two of one name are two.
    """
    tenant, values = asked.tenant, asked.values
    service, start = _offered(asked) if "slot" in values else (service_named(asked), values["start"])
    customer = values.get("customer", {"name": ""})
    phone, email = customer.get("phone"), customer.get("email")
    staff = staff_wished(values.get("staff"), service, tenant.house.staff)
    problems = []
    if isinstance(staff, StaffQuestion):
        problems.append(FieldProblem("/staff", _staff(staff)))
    if phone is not None and phone_number(phone, region_of_zone(tenant.time_zone)) != phone:
        problems.append(FieldProblem("/customer/phone", "is no number that anybody has"))
    elif phone in tenant.numbers:
        problems.append(FieldProblem("/customer/phone", "is the house's own number: it tells nobody"))
    if email is not None and is_house_address(email, tenant.house_email):
        problems.append(FieldProblem("/customer/email", "is the house's own address: it tells nobody"))
    if problems or isinstance(staff, StaffQuestion):
        raise Problem(Kind.FIELDS, errors=problems)
    conversation_id = values.get("conversation_id")
    # Of several parts it is by the conversation that the first to book them is told from whoever comes after.
    unnamed = (phone is None and email is None) or bool(service.segments)
    if conversation_id is None and unnamed and asked.key is not None:
        conversation_id = f"key_{asked.key.hash}"
    person = Person(customer["name"], phone, email)
    return Wish(tenant.tenant_id, conversation_id, service, start, person, staff)


def _offered(asked: Asked) -> tuple[Service, datetime]:
    """What the slot names; what stands beside it must say the same. Raises Problem."""
    values, tenant = asked.values, asked.tenant
    offer = offer_of(values["slot"], tenant.hash_key)
    service = None if offer is None else next((s for s in tenant.services if s.service_id == offer.service_id), None)
    if offer is None or service is None:
        raise Problem(Kind.FIELDS, errors=[FieldProblem("/slot", "is none that was offered here")])
    if values.get("start", offer.start) != offer.start:
        raise Problem(Kind.FIELDS, errors=[FieldProblem("/start", "is another than the slot's; leave one out")])
    if "service" in values and service_named(asked) != service:
        raise Problem(Kind.FIELDS, errors=[FieldProblem("/service", "is another than the slot's; leave one out")])
    return service, offer.start


def _unknown(missing: Missing, tenant: Tenant) -> str:
    named = ", ".join(f"{one.service_id} ({one.name})" for one in tenant.services)
    if missing is Missing.SERVICE:
        return f"names more than one service; use an id: {named}"
    return f"there is no such service; there are {named}"


def _staff(question: StaffQuestion) -> str:
    if question.missing is Missing.STAFF_OPEN:
        return "several do this, and Cal.com chooses among them: leave it out, or take a service that only they do"
    return f"nobody who does this is called that; there are {', '.join(question.choices) or 'none'}"
