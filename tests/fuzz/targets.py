"""Every parser of outside input."""

from typing import Final

from fuzz import calendar_targets, caller_targets, operator_targets, sealed_targets, speech_targets
from fuzz.target import Target

_GROUPS: Final = (caller_targets, speech_targets, sealed_targets, calendar_targets, operator_targets)

TARGETS: Final[dict[str, Target]] = {target.name: target for group in _GROUPS for target in group.TARGETS}
