"""The schema, as the current code expects it. The migrations lead here; a test holds the two together.

Not imported by the serving process: the hot path speaks SQL itself. Every table is the tenant's first, so
that nothing crosses and so that it can be the distribution key one day. Instants are ISO 8601 in UTC with
milliseconds, fixed width: they sort as text, and a person can read the rows.
"""

from einmal.adapters.sql.schema.behind import facts
from einmal.adapters.sql.schema.bookings import appointments, intents
from einmal.adapters.sql.schema.changes import changes
from einmal.adapters.sql.schema.houses import tenants
from einmal.adapters.sql.schema.metadata import metadata

__all__ = ["appointments", "changes", "facts", "intents", "metadata", "tenants"]
