"""A house of two people, either of whom does everything."""

from dataclasses import replace
from typing import Final

from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import EventType, Host

TEAM: Final = """
[[staff]]
id = "anna"
name = "Anna"

[[staff]]
id = "ben"
name = "Ben"

[[services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30
"""


def team_of_two() -> tuple[EventType, ...]:
    """Either of whom is booked, so that a time is free twice."""
    hosts = tuple(
        Host(number, f"host{number}", f"host{number}@host.example.test", f"host{number}") for number in (1, 2)
    )
    return tuple(replace(one, hosts=hosts) for one in demo_event_types())
