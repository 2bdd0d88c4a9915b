"""The configuration of tenants: one TOML file, read and checked as a whole, every problem with its line.

Nothing here serves a call. What is read is frozen; a file that is wrong in any place gives nothing at all, because
half a configuration would answer some callers in another house's name.
"""

from einmal.configuration.model import Configuration, Defaults, TenantConfiguration
from einmal.configuration.problems import BadConfiguration, Problem

__all__ = ["BadConfiguration", "Configuration", "Defaults", "Problem", "TenantConfiguration"]
