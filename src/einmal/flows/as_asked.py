"""The rules for clients of Cal.com's own API: what the house offers is for Cal.com to say, as it was before.

One wish, one booking holds for them as for everybody; opening hours, quotas and holds are for the phone.
"""

from dataclasses import replace
from datetime import timedelta

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.model import Wish
from einmal.flows.house_rules import HouseRules


class AsAsked(HouseRules):
    async def policy(self, wish: Wish, *, one_more: bool, line_known: bool) -> AdmissionPolicy:  # noqa: ARG002 - as there
        # A refusal is not told again: it may have been the body's, which is another now.
        return replace(self.admission, replay_no_for=timedelta(0))

    def of_a_move(self, wish: Wish, leaving: str) -> AdmissionPolicy:  # noqa: ARG002 - as there
        return replace(self.admission, replay_no_for=timedelta(0), leaving=leaving)
