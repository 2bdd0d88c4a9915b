"""Who is wished for: what was said, held against those whom the house names. Never somebody else without asking.

Cal.com chooses among several who do one thing, and cannot be told whom. So somebody can be promised only where nobody
else does it; otherwise it is asked whether it matters.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from einmal.domain.hold import resources_of
from einmal.domain.house import StaffMember
from einmal.domain.keys import normal_name
from einmal.domain.model import Service
from einmal.domain.reply import Missing

_BEFORE: Final = re.compile(r"(bei|beim|mit|von|with|by|from|at)\s+((der|dem|the)\s+)?", re.IGNORECASE)
_NO_MATTER: Final = re.compile(
    r"^(nein|no|keine|keiner|nobody)$"
    r"|(?<!nicht )\b(egal|gleichgueltig|beliebig\w*|irgendwer|irgendwem|irgendjemand\w*|jeder|jede|jedem|alle)\b"
    r"|\b(wer frei ist|wer zeit hat|kein\w* (wunsch|praeferenz\w*|vorliebe\w*|bestimmte\w*)|spielt keine rolle)\b"
    r"|\b(any|anyone|anybody|whoever|no (preference|matter)|not matter|doesn t matter|don t (mind|care))\b"
)
"""As names are compared."""

_ENDS_OPEN: Final = re.compile(r"(egal|keine rolle|(no|not|doesn t) matter|don t (mind|care))$")


@dataclass(frozen=True, slots=True)
class StaffQuestion:
    """What must be asked about who does it. `choices`: who could be named instead."""

    missing: Missing
    choices: tuple[str, ...] = ()


def staff_wished(
    said: str | None, service: Service | Missing, staff: Sequence[StaffMember]
) -> str | StaffQuestion | None:
    """Who is wished for, by the name that the house gives them; None where it does not matter.

    Where the house names nobody, the words stay as they were said: the answer tells with whom it is.
    """
    if said is None or _leaves_open(said, staff):
        return None
    if not staff:
        return said
    doing = list(staff) if isinstance(service, Missing) else _doing(service, staff)
    wished = _called(said, staff)
    if len(wished) != 1 or wished[0] not in doing:
        return StaffQuestion(Missing.STAFF_UNKNOWN, tuple(one.name for one in doing))
    if isinstance(service, Service) and len(doing) > 1:
        return StaffQuestion(Missing.STAFF_OPEN)
    return wished[0].name


def done_by(said: str | None, services: Sequence[Service], staff: Sequence[StaffMember]) -> list[Service]:
    """Of services that are called the same those that the one who is wished for does; all where nobody is."""
    wished = [] if said is None or _no_matter(said) else _called(said, staff)
    theirs = [one for one in services if len(wished) == 1 and wished[0] in _doing(one, staff)]
    return theirs or list(services)


def _no_matter(said: str) -> bool:
    return _NO_MATTER.search(normal_name(said)) is not None


def _leaves_open(said: str, staff: Sequence[StaffMember]) -> bool:
    """ "Anna, ist aber egal" does; "Anna, egal wann" and "bei Anna, alle anderen nicht" do not."""
    ends_open = _ENDS_OPEN.search(normal_name(said)) is not None
    return _no_matter(said) and (ends_open or not _mentioned(said, staff))


def _called(said: str, staff: Sequence[StaffMember]) -> list[StaffMember]:
    """Those who are called what was said: "bei Frau Anna" is Anna."""
    names = {normal_name(said), normal_name(_BEFORE.sub("", said.strip(), count=1))}
    return [one for one in staff if names & _names_of(one)] or _mentioned(said, staff)


def _mentioned(said: str, staff: Sequence[StaffMember]) -> list[StaffMember]:
    """Those whose name stands among other words: "Hauptsache bei Anna, alle anderen nicht"."""
    words = f" {normal_name(said)} "
    return [one for one in staff if any(f" {name} " in words for name in _names_of(one) if name)]


def _doing(service: Service, staff: Sequence[StaffMember]) -> list[StaffMember]:
    able = resources_of(service, staff)
    return [one for one in staff if one.staff_id in able]


@lru_cache(maxsize=4096)
def _names_of(member: StaffMember) -> frozenset[str]:
    return frozenset(map(normal_name, (member.staff_id, member.name, *member.aliases)))
