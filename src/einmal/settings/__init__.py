"""Settings from the environment, read once, checked all together. Nothing else reads the environment.

A wrong value says which variable, what was wrong with it and what is allowed; a secret's value is never quoted.
`declared` is the list, `values` its parsers, `given` what the environment hands over, `model` what comes of it, and
`read` how.
"""

from einmal.configuration.offering import MINUTES_MAX
from einmal.configuration.values import is_loopback
from einmal.secret import Secret
from einmal.settings.declared import SETTINGS, Setting
from einmal.settings.model import Settings
from einmal.settings.read import BadSettings, read_settings

__all__ = [
    "MINUTES_MAX",
    "SETTINGS",
    "BadSettings",
    "Secret",
    "Setting",
    "Settings",
    "is_loopback",
    "read_settings",
]
