"""Everything that a folder of definitions can hold by mistake, in one run of the real command: a line for each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.definitions.checkouts import Checkout

ROOT = Path(__file__).parents[3]
REST = "release_conditions: [{}]\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD = {
    "empty": (b"", "1:1: the file is empty"),
    "blank": (b" \n\n", "1:1: the file is empty"),
    "number": (b"12\n", "1:1: the file holds a number, not a definition"),
    "type": (b"key: type\nactive: {a: 1}\n" + REST.encode(), "2:9: flag/type: expected true or false, found a mapping"),
    "twice": (b"key: twice\nkey: twice\n" + REST.encode(), '2:1: the key "key" is twice in this mapping'),
    "tab": (b"key: tab\nrelease_conditions:\n\t- {}\n", "3:1: there is a tab where YAML needs spaces"),
    "latin": (b"key: latin\ndescription: caf\xe9\n", "2:1: byte 28 is not UTF-8"),
    "bomb": (BOMB.encode(), "4:4: the file holds more than 50,000 values"),
    "large": (b"# " + b"x" * 10_485_758, "1:1: the file is too large (10.0 MB; at most 1 MB)"),
    "deep": (b"key: deep\ntags: " + b"[" * 5000, "2:66: values are nested more than 60 deep"),
    "integer": (b"key: integer\npayload: 123456789012345678901\n" + REST.encode(),
                "2:10: flag/integer: 123456789012345678901 is too large to be kept exactly"),
    "digits": (b"key: digits\npayload: " + b"9" * 5000 + b"\n" + REST.encode(), "2:10: flag/digits: 9999"),
    "float": (b"key: float\npayload: 1e999\n" + REST.encode(), "2:10: flag/float: 1e999 is too large for a number"),
    "nan": (b"key: nan\npayload: .nan\n" + REST.encode(), "2:10: flag/nan: .nan is not a number that JSON knows"),
    "inf": (b"key: inf\npayload: [-.inf]\n" + REST.encode(), "2:11: flag/inf: -.inf is not a number that JSON knows"),
    "nul": (b"key: nul\npayload: a\0b\n", "2:11: this is not YAML: control characters are not allowed"),
    "escape": (b'key: escape\npayload: "a\\0b"\n' + REST.encode(),
               "2:10: flag/escape: the text contains a NUL character"),
    "tag": (b"key: tag\npayload: !!python/name:os.system\n" + REST.encode(),
            "2:10: flag/tag: the tag !!python/name:os.system is not read"),
    "merge": (b"key: merge\n<<: {active: true}\n" + REST.encode(), '2:1: flag/merge: merge keys ("<<") are not read'),
    "itself": (b"key: itself\npayload: &a [*a]\n" + REST.encode(),
               "2:10: flag/itself: an alias refers to a value that it is part of"),
    "zero": (b"key: zero\npayload: 007\n" + REST.encode(),
             "2:10: flag/zero: 007 starts with a zero, which numbers lose"),
    "yes": (b"key: yes\nactive: yes\n" + REST.encode(),
            '2:9: flag/yes: expected true or false, found the text "yes"; write true'),
    "off": (b"key: off\nearly_exit: off\n" + REST.encode(),
            '2:13: flag/off: expected true or false, found the text "off"; write false'),
    "named-1": (b"1: a\nkey: named-1\n" + REST.encode(), "1:1: flag/named-1: the key 1 is not text"),
    "documents": (b"key: documents\n---\nkey: more\n", "2:1: the file holds several documents"),
}  # fmt: skip
GOOD = {
    "bom": b"\xef\xbb\xbfkey: bom\n" + REST.encode(),
    "crlf": b"key: crlf\r\ndescription: |\r\n  two\r\n  lines\r\n" + REST.encode(),
    "date": b"key: date\npayload: 2024-01-01\npayload_type: string\n" + REST.encode(),
    "time": b"key: time\npayload: 12:30:45\npayload_type: string\n" + REST.encode(),
    "words": b"key: words\npayload: [yes, no, on, off, y, n]\ntags: [on, off]\n" + REST.encode(),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_every_mistake_gets_its_line_and_no_traceback(checkout: Checkout) -> None:
    flags = checkout.root / "flags"
    for name, data in {**GOOD, **{name: data for name, (data, _) in BAD.items()}}.items():
        (flags / f"{name}.yaml").write_bytes(data)
    (flags / "folder.yaml").mkdir()
    (flags / "nowhere.yaml").symlink_to("gone.yaml")
    (flags / "circle.yaml").symlink_to("circle.yaml")
    (flags / "back").symlink_to(".")
    os.mkfifo(flags / "pipe.yaml")
    expected = {f"flags/{name}.yaml:{said}" for name, (_, said) in BAD.items()} | {
        "flags/folder.yaml:1:1: this is a folder with the name of a file",
        "flags/nowhere.yaml:1:1: the link leads nowhere",
        "flags/circle.yaml:1:1: the file cannot be read (too many levels of symbolic links)",
        "flags/back:1:1: the link leads back to a folder above it",
        "flags/pipe.yaml:1:1: this is not a regular file",
    }
    run = subprocess.run(
        [sys.executable, "-m", "ai_admin", "check"],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = run.stdout.splitlines()[:-1]
    assert (run.returncode, run.stderr) == (1, "")
    assert [line for line in lines if not any(line.startswith(start) for start in expected)] == []
    assert [start for start in expected if not any(line.startswith(start) for line in lines)] == []
    assert len(lines) == len(expected)
