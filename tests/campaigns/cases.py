"""What the campaigns have in common: how many cases are asked for, each of a seed of its own, and what was in them."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable


def parser(description: str, cases: int) -> argparse.ArgumentParser:
    """Return what reads from the command line how many cases there are to be, and by which seed."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--cases", type=int, default=cases)
    made.add_argument("--seed", type=int, default=1)
    return made


def run(name: str, cases: int, seed: int, case: Callable[[random.Random, int], Counter[str]]) -> Counter[str]:
    """Run so many cases, and count what was in them; the error of the first that fails says which it was."""
    counts: Counter[str] = Counter()
    for number in range(cases):
        label = f"{name}-{seed}-{number}"
        try:
            counts += case(random.Random(label), number)
        except Exception as broken:
            raise AssertionError(f"case {label}: {broken}") from broken
    return counts


def say(name: str, counts: Counter[str], start: float) -> None:
    """Print what was in the cases, and how long they took."""
    figures = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    print(f"{name}: {figures}; {time.perf_counter() - start:.0f} s", flush=True)
