"""Many random queries of random events against plain Python: `python -m sandbox.tests.campaigns.queries [N] [SEED]`.

N queries of each kind (2,000), in histories of 50 each. Prints what differs, and how many were asked.
"""

import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from sandbox.tests.query.plain.checking import KINDS, differences
from sandbox.tests.query.world import World

QUESTIONS = 50
SHOWN = 3


def main() -> int:
    """Ask. Returns 1 where something differs."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    kinds = sys.argv[3:] or list(KINDS)
    failed = False
    for kind in kinds:
        start, histories = time.monotonic(), -(-count // QUESTIONS)
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder))
            found = list(islice(differences(world, kind, seed, histories, QUESTIONS), 10_000))
            world.close()
        for each in found[:SHOWN]:
            print(each)
        failed |= bool(found)
        print(
            f"{kind}: {histories * QUESTIONS} queries, {len(found)} differ, {time.monotonic() - start:.0f} s",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
