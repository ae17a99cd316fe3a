"""The failures of a JUnit file as GitHub's annotations. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree


def failures(junit: bytes) -> Iterator[str]:
    """Yield a workflow command for each test that failed, on the line of its file.

    Escaped as GitHub's runner unescapes them: https://github.com/actions/toolkit, ``packages/core/src/command.ts``.
    """
    for suite in ElementTree.fromstring(junit).iter("testsuite"):
        for case in suite.iter("testcase"):
            for failure in case.iter("failure"):
                title = f"{case.get('classname')}: {case.get('name')} ({suite.get('name')})"
                where = {"file": case.get("file", ""), "line": case.get("line", ""), "title": title}
                named = ",".join(f"{name}={_property(value)}" for name, value in where.items() if value)
                yield f"::error {named}::{_data(failure.get('message', ''))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
