"""The function call of those who want to be called back."""

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.callback import caller_of
from einmal.domain.reply import Reply
from einmal.tenancies import Tenancy


async def call_back(function_call: FunctionCall, tenancy: Tenancy) -> Reply:
    """That it is noted, or the question for the number."""
    caller = caller_of(function_call, tenancy.tenant)
    return caller if isinstance(caller, Reply) else await tenancy.calling_back.note(caller)
