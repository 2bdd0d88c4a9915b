"""The rules for clients of Cal.com's own API: what the house offers is for Cal.com to say, as it was before.

One wish, one booking holds for them as for everybody; opening hours, quotas and holds are for the phone.
"""

from dataclasses import replace
from datetime import timedelta

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.keys import normal_name
from einmal.domain.model import Person, Wish
from einmal.flows.house_rules import HouseRules
from einmal.flows.standing import Standings
from einmal.ports import StoredReply


class AsAsked(HouseRules):
    async def policy(self, wish: Wish, *, one_more: bool, line_known: bool) -> AdmissionPolicy:  # noqa: ARG002 - as there
        # A refusal is not told again: it may have been the body's, which is another now. Where the client has a name
        # for its wish, that name books once.
        named = wish.conversation_id is not None
        return replace(self.admission, replay_no_for=timedelta(0), once=named)

    def of_a_move(self, wish: Wish, leaving: str) -> AdmissionPolicy:  # noqa: ARG002 - as there
        return replace(self.admission, replay_no_for=timedelta(0), leaving=leaving)


def is_theirs(stored: StoredReply, person: Person) -> bool:
    """Whether what stands was booked for whoever asks. Clients send one e-mail for many people: it proves nobody."""
    booked_for = stored.intent.wish.person
    phones = {booked_for.phone, person.phone} - {None}
    return normal_name(booked_for.name) == normal_name(person.name) and len(phones) < 2


async def taken_up(standings: Standings, stored: StoredReply) -> bool:
    """Take up in the ledger what others did to a booking at the calendar; whether that was anything.

    Raises LedgerUnavailable or CommitUnknown.
    """
    return await standings.follow(stored.intent, await standings.look(stored.intent)) is not None
