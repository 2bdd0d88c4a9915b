"""Where the tests' files and servers lie: in memory, if there is room. No power is cut here.

On a disk a test waits at each commit, and that for longer than it computes.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - what is made in it has names of its own
_ROOM_BYTES: Final = 4 << 30
"""More than all of them need at once. A container often has 64 MB there."""


def prefer_memory() -> None:
    """For this process and those that it starts. Who names another place by TMPDIR is followed."""
    if "TMPDIR" in os.environ or not _fits(_MEMORY):
        return
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _fits(folder: Path) -> bool:
    """Whether there is room, and programs may run from there: PostgreSQL's are copied where nobody may look at them."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(folder).free >= _ROOM_BYTES and not os.statvfs(folder).f_flag & os.ST_NOEXEC
