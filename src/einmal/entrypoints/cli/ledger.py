"""What the commands that only open the ledger have to say where it cannot be used."""

from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown
from einmal.settings import Settings


def unusable_ledger(settings: Settings) -> str | None:
    """Why it cannot be read by this version, in words for the operator; None where it can."""
    where = settings.ledger_at
    try:
        version = schema_version(where)
    except SchemaMismatch as why:
        return str(why)
    if version is None:
        elsewhere = "without a Cal.com key in a folder that it names: set EINMAL_DATABASE_URL to that"
        return f"there is no ledger at {shown(where)}; `einmal serve` makes one, {elsewhere}"
    if version != SCHEMA_HEAD:
        return f"the ledger {shown(where)} has schema {version}, not {SCHEMA_HEAD}; run `einmal db upgrade`"
    return None
