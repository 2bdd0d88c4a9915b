"""Ports: what the flows need of the world, in domain words.

Every port has a fake that is shipped, not patched in: the simulator for the calendar, a virtual clock,
SQLite in a temporary file for the ledger. One contract suite runs against fake and real alike.
"""

from einmal.ports.calendar import (
    Blind,
    BookingRequest,
    Calendar,
    ChangeAnswer,
    ChangeKind,
    Gates,
    ListedBy,
    Look,
    Page,
    Seen,
    Toll,
)
from einmal.ports.callbacks import Callbacks
from einmal.ports.calls import CallNews, Calls
from einmal.ports.history import History, Recorded
from einmal.ports.holds import Holds
from einmal.ports.inbox import Entry, Inbox, Notice, Received, Source
from einmal.ports.ledger import (
    Admitted,
    BookingUidTaken,
    CallContact,
    Candidate,
    CommitUnknown,
    Ledger,
    LedgerUnavailable,
    StaleIntent,
    StoredReply,
    Sweep,
    Transition,
)
from einmal.ports.outbox import About, Courier, Message, Outbox
from einmal.ports.world import Budgets, Clock, Ids, Observer, Tenant

__all__ = [
    "About",
    "Admitted",
    "Blind",
    "BookingRequest",
    "BookingUidTaken",
    "Budgets",
    "Calendar",
    "CallContact",
    "CallNews",
    "Callbacks",
    "Calls",
    "Candidate",
    "ChangeAnswer",
    "ChangeKind",
    "Clock",
    "CommitUnknown",
    "Courier",
    "Entry",
    "Gates",
    "History",
    "Holds",
    "Ids",
    "Inbox",
    "Ledger",
    "LedgerUnavailable",
    "ListedBy",
    "Look",
    "Message",
    "Notice",
    "Observer",
    "Outbox",
    "Page",
    "Received",
    "Recorded",
    "Seen",
    "Source",
    "StaleIntent",
    "StoredReply",
    "Sweep",
    "Tenant",
    "Toll",
    "Transition",
]
