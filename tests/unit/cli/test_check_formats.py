"""`ai-admin check --format`: what GitHub, GitLab and code scanning read."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from ai_admin import __version__
from tests.support.commands import ai_admin
from tests.unit.definitions.checkouts import Checkout

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
REGION = {"required": ["startLine"], "properties": {"startLine": {"minimum": 1}, "startColumn": {"minimum": 1}}}
PLACE = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"required": ["uri"], "properties": {"uri": {"type": "string", "format": "uri-reference"}}},
        "region": REGION,
    },
}
RULE = {"required": ["id"], "properties": {"id": {"type": "string"}, "shortDescription": TEXT}}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {
            "minItems": 1,
            "items": {"required": ["physicalLocation"], "properties": {"physicalLocation": PLACE}},
        },
    },
}
RUN = {
    "type": "object",
    "required": ["tool", "results"],
    "properties": {
        "tool": {
            "required": ["driver"],
            "properties": {"driver": {"required": ["name", "rules"], "properties": {"rules": {"items": RULE}}}},
        },
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {"version": {"const": "2.1.0"}, "runs": {"minItems": 1, "items": RUN}},
}
"""What SARIF 2.1.0 requires of what is written here, and what GitHub's code scanning requires in addition."""


@pytest.fixture
def bad(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path)
    checkout.write("flags/typo, 100 %.yaml", "key: typo\nactve: true\nrelease_conditions: [{cohort: intern}]\n")
    return checkout


def run(checkout: Checkout, form: str, code: int = 1) -> str:
    done = ai_admin(checkout.root, os.environ, "check", "--format", form)
    assert done.returncode == code, done.stderr
    return done.stdout


def read_command(line: str) -> tuple[dict[str, str], str]:
    """Read a workflow command as GitHub's runner does: split first, and unescape what is between."""
    match = re.fullmatch(r"::error (.*?)::(.*)", line)
    assert match, line
    named = dict(part.split("=", 1) for part in match[1].split(","))
    return {name: unescaped(value) for name, value in named.items()}, unescaped(match[2])


def unescaped(text: str) -> str:
    for escaped, plain in {"%3A": ":", "%2C": ",", "%0D": "\r", "%0A": "\n", "%25": "%"}.items():
        text = text.replace(escaped, plain)
    return text


def test_github_shows_each_problem_on_its_line(bad: Checkout) -> None:
    first, second, counted = run(bad, "github").splitlines()
    where = {"file": "flags/typo, 100 %.yaml", "line": "2", "col": "1", "title": "flag/typo (schema)"}
    assert read_command(first) == (where, 'the key "actve" is not known here; write "active"')
    assert read_command(second)[0]["title"] == "flag/typo (references/exist)"
    assert counted == "definitions: 8, files: 7, problems: 2"


def test_gitlab_shows_each_problem_on_its_line(bad: Checkout) -> None:
    first, second = json.loads(run(bad, "gitlab"))
    assert first["location"] == {"path": "flags/typo, 100 %.yaml", "lines": {"begin": 2}}
    assert first["description"] == 'flag/typo: the key "actve" is not known here; write "active"'
    assert (first["check_name"], first["severity"]) == ("schema", "major")
    assert first["fingerprint"] != second["fingerprint"]


def test_code_scanning_reads_sarif(bad: Checkout) -> None:
    report: dict[str, Any] = json.loads(run(bad, "sarif"))
    jsonschema.validate(report, SARIF)
    [scan] = report["runs"]
    driver = scan["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("ai-admin", __version__)
    assert [result["ruleId"] for result in scan["results"]] == ["schema", "references/exist"]
    for result in scan["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        [place] = result["locations"]
        assert unquote(place["physicalLocation"]["artifactLocation"]["uri"]) == "flags/typo, 100 %.yaml"
        assert place["logicalLocations"] == [{"fullyQualifiedName": "flag/typo"}]
    assert scan["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 1}


def test_every_rule_has_a_name_of_its_own_and_says_what_it_looks_for(bad: Checkout) -> None:
    rules = json.loads(run(bad, "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    names = [rule["id"] for rule in rules]
    assert [name for name in names if not re.fullmatch(r"[a-z-]+(/[a-z0-9-]+)?", name)] == []
    assert [rule["id"] for rule in rules if not re.search(r"[.:]", rule["shortDescription"]["text"])] == []


def test_a_rules_name_stays_the_same(bad: Checkout) -> None:
    """Code scanning knows an alert by it: another name opens it again. A new rule is added here."""
    rules = json.loads(run(bad, "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    known = Path(__file__).with_name("rule-names.txt").read_text(encoding="utf-8").split()
    assert [rule["id"] for rule in rules] == known
    assert len(set(known)) == len(known)


def test_a_note_is_shown_in_each_form_and_fails_nothing(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("insights/deep.yaml", f"key: deep\nname: D\nsql: {{query: 'SELECT {'(' * 21}1{')' * 21}'}}\n")
    text, counted = run(checkout, "text", 0).splitlines()
    assert text.startswith("insights/deep.yaml:3:14: insight/deep: note: this SQL was not checked: ")
    assert counted == "8 definitions in 7 files: no problems, 1 note"
    report = json.loads(run(checkout, "json", 0))
    assert ([each["line"] for each in report["notes"]], report["problems"]) == ([3], [])
    notice, counted = run(checkout, "github", 0).splitlines()
    assert notice.startswith("::notice file=insights/deep.yaml,line=3,")
    assert counted == "definitions: 8, files: 7, problems: 0"
    assert [each["severity"] for each in json.loads(run(checkout, "gitlab", 0))] == ["info"]
    assert [each["level"] for each in json.loads(run(checkout, "sarif", 0))["runs"][0]["results"]] == ["note"]
