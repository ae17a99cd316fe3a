"""Gate: a number in a payload grows more than tenfold. For careful stacks. Pure.

The reviewer judges a payload, but may overlook three zeros too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ai_admin.safety.applied import FLAG, Manifest
from ai_admin.safety.refusal import Refusal

TENFOLD = 10
"""The factor by which a number may grow in one run."""


def swollen(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each number in a flag that is on which grows too far, away from zero."""
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(FLAG) and after[name].get("active"):
            was = before[name].get("numbers") or {}
            for path, now in sorted((after[name].get("numbers") or {}).items()):
                if path in was and abs(now) > TENFOLD * abs(was[path]):
                    figures = f"{_plain(was[path])}-{_plain(now)}"
                    what = (
                        f"a number in a payload ({path}) would grow from {_plain(was[path])} to {_plain(now)}, more "
                        f"than {TENFOLD} times"
                    )
                    code = re.sub(r"[^\w./-]", "_", f"payload/{name.removeprefix(FLAG)}/{path}/{figures}")
                    yield Refusal(what, (name,), code)


def _plain(number: float) -> str:
    return str(int(number)) if isinstance(number, int) or number.is_integer() else str(number)
