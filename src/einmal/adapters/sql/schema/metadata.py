"""Where all tables are listed, and which states count as what in an index."""

from typing import Final

from sqlalchemy import MetaData

metadata: Final = MetaData()

LIVE_STATES: Final = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
DUE_STATES: Final = "state IN ('intent', 'sent', 'doubt', 'compensating')"
LIVE_CHANGES: Final = "state IN ('sent', 'doubt', 'escalated')"
LIVE_COMPOSITES: Final = "state IN ('booking', 'booked', 'undoing', 'escalated')"
TOMBSTONE: Final = "state = 'rejected' AND doubted_at IS NOT NULL"
