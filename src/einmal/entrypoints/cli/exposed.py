"""Files of secrets that everybody on the machine may read: said at each start and each check, and served all the same.

A container has its secrets readable by all inside of it, and nobody else there; only the operator knows.
"""

from einmal.settings import Settings


def exposed_warnings(settings: Settings) -> list[str]:
    return [
        f"WARNING: {name} holds a secret and everybody on this machine may read it; chmod o-r {name}"
        for name in settings.exposed
    ]
