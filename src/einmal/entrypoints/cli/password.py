"""`einmal config password`: the hash of a password, for EINMAL_OPERATOR_PASSWORD or EINMAL_READER_PASSWORD."""

import getpass
import sys
from typing import Final

from argon2 import PasswordHasher

LETTERS_MIN: Final = 12
WRONG: Final = 2


def config_password() -> int:
    """Ask for it twice on a terminal, or read one line from a pipe; print its hash."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            print("einmal: the two are not the same", file=sys.stderr)
            return WRONG
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < LETTERS_MIN:
        print(f"einmal: a password must have at least {LETTERS_MIN} letters", file=sys.stderr)
        return WRONG
    print(PasswordHasher().hash(password))
    if sys.stdout.isatty():
        print("Set it in single quotes: EINMAL_OPERATOR_PASSWORD='$argon2id$...'", file=sys.stderr)
    return 0
