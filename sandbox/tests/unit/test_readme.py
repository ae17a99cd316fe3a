"""The sandbox's README says what its code does."""

import re
from pathlib import Path

import sandbox
from sandbox.control.strikes import KINDS

README = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_table_of_faults_has_every_kind_with_its_options_and_their_defaults() -> None:
    written = {}
    for kind, options in re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*)\|$", README, re.MULTILINE):
        pairs = re.findall(r"`(\w+)` \(([\d.]+)", options)
        written[kind] = {name: float(default) for name, default in pairs}
    assert written == {name: dict(kind.options) for name, kind in KINDS.items()}


def test_every_handle_is_named() -> None:
    from sandbox.control import faultlayer
    from sandbox.control import handles as admin

    for route in [*admin.routes(), *faultlayer.routes()]:
        assert getattr(route, "path", "") in README
