"""How a command ends that is stopped, or whose reader has gone: quietly, with the codes that a shell expects.

`einmal db roles | less`, and q: what nobody reads is no error. Only standard output may lose its reader; a connection
that breaks without being handled is a bug, and is raised on. Who needs more than a line when stopped says it itself.
"""

import io
import os
import select
import sys
from collections.abc import Callable
from typing import Final

INTERRUPTED: Final = 130  # 128 and the signal's number, as shells have it: SIGINT
READ_BY_NOBODY: Final = 141  # SIGPIPE


def ended(run: Callable[[], int]) -> int:
    """Run it; its exit code, or the one of what ended it."""
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\neinmal: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return READ_BY_NOBODY
    return code


def _nobody_reads() -> bool:
    """Whether it was standard output that broke. The system is asked: what Python had to print may be gone already."""
    try:
        output = sys.stdout.fileno()
    except io.UnsupportedOperation:  # no file at all, but somebody's object
        return False
    asked = select.poll()
    asked.register(output, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0)):
        return False
    # Python flushes once more at its end, and would complain there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True
