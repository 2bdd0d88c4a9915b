"""`einmal db version|upgrade|downgrade`: the ledger's schema, and the constraint that layer 4 is."""

import sys
from pathlib import Path
from typing import Final

from einmal.adapters.sql import migrate

OK: Final = 0
CONSTRAINT_MISSING: Final = 3
COULD_NOT_LOOK: Final = 4


def with_schema(where: Path | str, change: str | None) -> int:
    """Migrate to `change` (`head`, or `layer4` down), or nowhere; then show what is. Exit code 3 without layer 4."""
    try:
        if change == "head":
            migrate.upgrade(where)
            migrate.switch_layer_4(where, on=True)
        elif change == "layer4":
            migrate.switch_layer_4(where, on=False)
        version = migrate.schema_version(where)
        layer_4 = version is not None and migrate.has_layer_4(where)
    except (migrate.SchemaMismatch, RuntimeError) as wrong:
        print(f"einmal: {wrong}", file=sys.stderr)
        return COULD_NOT_LOOK
    if version is None:
        print(f"{migrate.shown(where)}: no ledger yet; `einmal db upgrade` makes one")
        return OK
    print(f"{migrate.shown(where)}: schema {version}, layer 4 {'on' if layer_4 else 'OFF'}")
    return OK if layer_4 else CONSTRAINT_MISSING
