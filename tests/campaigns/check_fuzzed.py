"""Damages the samples and looks whether `ai-admin check` still explains: ``python -m
tests.campaigns.check_fuzzed``.

Whatever a file holds, there is no traceback; each problem names a place that there is, what is wrong and what to do.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from ai_admin.definitions import load
from ai_admin.definitions.files import FOLDERS
from tests.support.checkouts import SAMPLES, sample_checkout

NASTY = [
    "", " ", "\t", "\t\t- ", "\r\n", "\r", "\x85", "\u2028", "\ufeff", "\0", "\x1b[31m", "\x7f", "\ud7ff", "😀", "é",
    "~", "null", "yes", "no", "on", "off", "true", "2024-01-01", "2024-01-01T00:00:00Z", "12:30:45", "1_000", "0x1F",
    "0o17", "017", ".nan", ".inf", "-.INF", "1e999", "-1e-999", "9" * 400, "9007199254740993", "-0", "-0.0", "1.", ".5",
    "!!python/object/apply:os.system [ls]", "!!binary aGk=", "!!set {a}", "!!timestamp 2024-01-01", "!x y", "!",
    "&a [*a]", "&a {b: *a}", "*a", "<<: *a", "<<: {a: 1}", "<<: [1, {key: x}]", "? [a, b]\n: c", "? {a: 1}\n: c", "? ",
    "---\n", "...\n", "%YAML 1.1\n---\n", "%TAG ! x\n", "|\n  a\n", ">-\n  a\n", "- ", "- - - ", "{", "}", "[", "]",
    "[[[[[[[[[[[[", "{a: {a: {a: ", ": ", "# ", "'", '"', '"\\0"', '"\\ud800"', '"\\x"', "@", "`", "%", ",", "key: ",
    "key: key: key", "[]", "{}", "[null]", "{null: null}", "[{}]", "{true: 1, 1: 2, 1.5: 3}", "cohort", "is_set",
    "TrendsQuery", "A / 0", "A ** B ** C", "(" * 300, "A+" * 2000 + "A", "(?P<n>[", "(a+)+$", "a" * 5000, "[" * 400,
    "release_conditions: 5", "variants: {}", "tiles: text", "stacks: {staging: 5}", "stacks: {staging: {stacks: {}}}",
    "only: staging", "unmanaged: {tags: 1}", "properties: [1]", "type: person", "kind: EventsNode", "series: 7",
]  # fmt: skip
BREAKS = re.compile(rb"\r|\xc2\x85|\xe2\x80[\xa8\xa9]")
"""What YAML takes for the end of a line as well."""
Damage = Callable[[bytes, Random], bytes]


def _cut(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 2, 10, 100, 10_000)) :]


def _repeat(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    part = data[start : start + random.choice((1, 5, 50, 500))]
    at = random.randrange(len(data) + 1)
    return data[:at] + part * random.choice((1, 2, 50)) + data[at:]


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 3, 30))):
        if changed:
            changed[random.randrange(len(changed))] = random.choice(
                (random.randrange(256), *b"\t\n :-[]{}#&*!|>'\"%@`")
            )
    return bytes(changed)


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(NASTY).encode("utf-8", "surrogatepass") + data[at:]


def _value(data: bytes, random: Random) -> bytes:
    """Put something else in the place of a value, or of a key."""
    lines = data.split(b"\n")
    n = random.randrange(len(lines))
    key, colon, value = lines[n].partition(b":")
    nasty = random.choice(NASTY).encode("utf-8", "surrogatepass")
    lines[n] = key + colon + b" " + nasty if random.random() < 0.8 else nasty + colon + value
    return b"\n".join(lines)


def _lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(4)
    if way == 0:
        lines[a], lines[b] = lines[b], lines[a]
    elif way == 1:
        lines.insert(a, lines[b])
    elif way == 2:
        lines[a] = random.choice((b" ", b"  ", b"\t", b"- ")) + lines[a]
    else:
        del lines[a]
    return b"\n".join(lines)


def _whole(data: bytes, random: Random) -> bytes:
    """Write the whole text otherwise, or write something else."""
    return random.choice(
        (
            b"\xef\xbb\xbf" + data,
            data.replace(b"\n", b"\r\n"),
            data.replace(b"  ", b"\t"),
            data.decode("utf-8", "replace").encode("utf-16"),
            data.decode("utf-8", "replace").encode("latin-1", "replace") + b"\xe9",
            data + b"\n---\n" + data,
            data + b"\n" + data,
            b"",
            b"- " + data.replace(b"\n", b"\n  "),
            b"{" * random.choice((5, 100, 20_000)) + data,
            random.choice(NASTY).encode("utf-8", "surrogatepass"),
            random.randbytes(300),
        )
    )


WAYS: tuple[Damage, ...] = (
    _cut,
    _repeat,
    _flip,
    _insert,
    _insert,
    _value,
    _value,
    _value,
    _value,
    _lines,
    _lines,
    _whole,
)


def definitions() -> dict[str, bytes]:
    """Return the samples by path."""
    paths = (path for folder in FOLDERS for path in sorted((SAMPLES / folder).rglob("*.yaml")))
    return {path.relative_to(SAMPLES).as_posix(): path.read_bytes() for path in paths}


def prepare(root: Path) -> None:
    """Copy the samples into an empty folder."""
    sample_checkout(root)


def damaged(root: Path, whole: dict[str, bytes], seed: int) -> str:
    """Damage one or two files, check, and put them back; return what is wrong with what was said, or nothing."""
    random = Random(seed)
    paths = random.sample(sorted(whole), random.choice((1, 1, 2)))
    for path in paths:
        data = whole[path]
        for _ in range(random.choice((1, 1, 2, 4))):
            data = random.choice(WAYS)(data, random)
        (root / path).write_bytes(data)
    try:
        return _said(root)
    except Exception:  # noqa: BLE001  any at all is what is looked for
        return f"seed {seed}, {' and '.join(paths)}:\n{traceback.format_exc()}"
    finally:
        for path in paths:
            (root / path).write_bytes(whole[path])


def _said(root: Path) -> str:
    loaded = load(root, "staging")
    for problem in loaded.problems:
        try:
            count = (root / problem.source.path).read_bytes().count(b"\n") + 2
        except OSError:
            count = 1
        if not (problem.message and problem.fix and problem.source.line >= 1 <= problem.source.column):
            return f"an empty problem: {problem}"
        if problem.source.line > count and not BREAKS.search((root / problem.source.path).read_bytes()):
            return f"no such line: {problem}"
    if bool(loaded.problems) is bool(loaded.resources):
        return "neither problems nor resources, or both"
    return ""


def main() -> None:
    """Damage as often as is asked for; exit code 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, whole = Path(folder), definitions()
        prepare(root)
        seeds = range(given.seed, given.seed + given.count)
        wrong = 0
        for said in filter(None, (damaged(root, whole, seed) for seed in seeds)):
            wrong += 1
            print(said, flush=True)
    print(f"{given.count} damaged checkouts: {wrong} went wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
