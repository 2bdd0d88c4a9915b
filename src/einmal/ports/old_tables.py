"""Where another program keeps its appointments: which table, and what its columns are called there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OldCustomers:
    """The table of people, joined by its `key`."""

    table: str
    key: str
    name: str
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class OldTable:
    """Names of columns; None for what is not kept there. Who it is for stands in the row or, by `customer`, in another
    table."""

    table: str
    key: str
    booking_uid: str
    service: str
    starts_at: str
    created_at: str
    ends_at: str | None = None
    call_id: str | None = None
    status: str | None = None
    customer: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    customers: OldCustomers | None = None
