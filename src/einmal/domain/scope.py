"""What a house's own programs may do, by the keys that they have."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key is for. None of them holds another."""

    BOOK = "book"
    CHANGE = "change"
    READ = "read"
    LIST = "list"
    AVAILABILITY = "availability"
