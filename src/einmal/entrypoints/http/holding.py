"""Function calls that hold a slot while somebody thinks, and let it go."""

from datetime import datetime

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.names import Does
from einmal.adapters.functions.wish import instant_named, understand
from einmal.domain.reply import Reply
from einmal.domain.search import Search
from einmal.speech.information import Told
from einmal.tenancies import Tenancy


async def hold(does: Does, function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Reply | Told:
    tenant, holding = tenancy.tenant, tenancy.holding
    if does is Does.RELEASE:
        named = instant_named(function_call, tenant, now)
        return named if isinstance(named, Reply) else await holding.release(function_call.call_id, named)
    wish = understand(function_call, tenant, now, books=False)
    if isinstance(wish, Reply):
        return wish
    if isinstance(wish, Search):
        return await tenancy.offers.search(wish)
    return await holding.reserve(wish.wish, wish.call, wish.asker)
