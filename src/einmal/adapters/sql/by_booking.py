"""From an appointment's row to its booking."""

from typing import Final

from einmal.adapters.sql.steps import Store, only

_UID: Final = "SELECT calcom_v2_booking_id FROM appointments WHERE appointment_id = ?"


class SqlBookingUids:
    """The BookingUids port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def uid_of(self, appointment_id: str) -> str | None:
        rows = await self._store.read(only(_UID, appointment_id))
        return rows[0][0] if rows else None
