"""Einmal: the exactly-once booking gateway between voice agents and Cal.com.

One wish, one booking, and the caller hears the truth. `einmal.Gateway` is the gateway within a program of one's own;
docs/library.md tells how. It is loaded when it is first named: `import einmal` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from einmal.library import (
        Alternative,
        BadArgument,
        Booking,
        CannotOpen,
        Customer,
        Gateway,
        NotOpen,
        Outcome,
        Result,
        Service,
    )

__version__ = "0.1.0"

__all__ = [
    "Alternative",
    "BadArgument",
    "Booking",
    "CannotOpen",
    "Customer",
    "Gateway",
    "NotOpen",
    "Outcome",
    "Result",
    "Service",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'einmal' has no attribute {name!r}")
    return getattr(import_module("einmal.library"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
