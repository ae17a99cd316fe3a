"""Where tests keep their files: they are many and small, and on a slow disk take a quarter of a run."""

import os
import shutil

MEMORY = "/dev/shm"
ROOM = 2_000_000_000
"""Bytes that must be free there: several times what a run takes."""


def files_in_memory() -> None:
    """Have pytest's temporary folders in memory, unless somebody says where they are to be (`PYTEST_DEBUG_TEMPROOT`).

    Not where a system has no such folder, as macOS, too little room in it, or lets no program run from it.
    """
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    if shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)
