"""What holds for every test."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

from sandbox.tests.memory import files_in_memory
from tests.support.guard import sitecustomize  # no test, in this process, opens what people edit

_guard = str(Path(sitecustomize.__file__).parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_guard, os.environ.get("PYTHONPATH"))))  # nor in another
# Where the environment forbids to keep compiled code, each worker would compile every test anew in every run,
# which is more than half of what collecting takes; and so would each process in a copy of the repository.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
files_in_memory()
gc.set_threshold(50_000, 20, 50)  # to look for garbage as often as usual takes a tenth of the tests of definitions
os.environ["GOGC"] = "400"  # Pulumi: a run ends before it needs its memory back
# On a busy machine an example may take any time, and no test asserts a time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """Leave what was collected, which stays to the end, out of every look for garbage from here on."""
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` is: tests with the engine wait about a fifth of their time."""
    return max((os.cpu_count() or 1) * 3 // 2, 1)
