"""Function calls about appointments that stand: told of, cancelled, moved."""

from datetime import datetime
from typing import Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.names import Does
from einmal.adapters.functions.which import call_in, caller_of, move_in, named_in
from einmal.domain.reply import Reply
from einmal.speech.appointments import tell_appointments
from einmal.speech.information import Told
from einmal.tenancies import Tenancy

CHANGES: Final = frozenset({Does.TELL_APPOINTMENTS, Does.TELL_STATUS, Does.CANCEL, Does.RESCHEDULE})


async def change(does: Does, function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Reply | Told:
    """What was done, what stands, or what must be asked first."""
    tenant, caller = tenancy.tenant, caller_of(function_call, tenancy.tenant)
    if does is Does.RESCHEDULE:
        move = move_in(function_call, tenant, now)
        if isinstance(move, Reply):
            return move
        return await tenancy.changes.move(move.named, move.start, caller, call_in(function_call))
    named = named_in(function_call, tenant, now)
    if isinstance(named, Reply):
        return named
    match does:
        case Does.CANCEL:
            return await tenancy.changes.cancel(named, caller)
        case Does.TELL_STATUS:
            return await tenancy.telling.status(named, caller)
        case _:
            told = await tenancy.telling.appointments(named, caller)
            return told if isinstance(told, Reply) else tell_appointments(tenancy.voice, told, now)
