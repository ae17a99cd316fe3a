"""The results of flags' tests as JUnit's XML, which CI systems show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ai_admin.definitions.spelling import listed
from ai_admin.evaluation.flag_tests import Report
from providers.posthog.kinds import Ref

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold (section 2.2)."""


def document(report: Report, strict: bool) -> bytes:
    """Return the XML: one suite per stack; with ``strict`` another one for what no test reaches.

    The standard library writes it in fewer lines than a package would be set up in.
    """
    top = ElementTree.Element("testsuites")
    for stack in dict.fromkeys(each.stack for each in report.outcomes):
        suite = _suite(top, stack)
        for each in report.outcomes:
            if each.stack == stack:
                case = each.case
                place = (case.source.path, case.source.line)
                _case(suite, case.flag, case.name, place, each.failure, "\n".join(each.why))
    if strict and report.unreached:
        suite = _suite(top, "not reached by any test")
        for missed in report.unreached:
            place = (missed.source.path, missed.source.line)
            _case(suite, missed.flag, missed.what, place, f"no test reaches it in {listed(missed.stacks, 'and')}", "")
    for suite in top:
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    ElementTree.indent(top)
    return bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(top: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(top, "testsuite", name=name)


def _case(suite: ElementTree.Element, flag: str, name: str, place: tuple[str, int], failure: str, details: str) -> None:
    path, line = place
    attributes = {"classname": str(Ref("flag", flag)), "name": _text(name), "file": path, "line": str(line)}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if failure:
        ElementTree.SubElement(case, "failure", message=_text(failure)).text = _text(f"{path}:{line}\n{details}")


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
