"""The ledger in memory: the Ledger, Gates and Outbox ports for simulated worlds, where a million intents pass by.

What it promises is what the one on SQLite promises, constraints included; one contract suite and a comparison of
the two over random histories hold them together (tests/contracts). Nothing here lasts longer than the process.

`MemoryBooks` is what lies on the disk, `MemoryLedger` one process that has it open. A process that is killed and
started again is a second ledger on the same books.
"""

from einmal.simulator.memory.appointments import Appointment, Customer
from einmal.simulator.memory.books import MemoryBooks
from einmal.simulator.memory.commit import ConstraintViolated
from einmal.simulator.memory.ledger import MemoryLedger, OnMove

__all__ = ["Appointment", "ConstraintViolated", "Customer", "MemoryBooks", "MemoryLedger", "OnMove"]
