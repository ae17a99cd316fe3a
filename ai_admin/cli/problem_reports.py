"""What a check found in other programs' forms: JSON, GitHub's annotations, GitLab's code quality, SARIF. Pure."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ai_admin import __version__
from ai_admin.clients import STALE
from ai_admin.definitions.check import SCHEMA, UNIQUE, YAML, Checked
from ai_admin.definitions.model import Problem
from ai_admin.definitions.rules import RULES

Form = Callable[[Checked, Sequence[Problem]], str]


def as_json(checked: Checked, found: Sequence[Problem]) -> str:
    """Return problems and notes as one JSON object, with how much was checked."""
    problems, notes = ([_shown(each) for each in found if each.note is note] for note in (False, True))
    return _json({"problems": problems, "notes": notes, "definitions": checked.definitions, "files": checked.files})


def _shown(problem: Problem) -> dict[str, Any]:
    return {
        **problem.source._asdict(),
        "subject": problem.subject,
        "message": problem.message,
        "fix": problem.fix,
        "stacks": list(problem.stacks),
        "rule": problem.rule,
    }


def github(checked: Checked, found: Sequence[Problem]) -> str:
    """Return problems and notes as GitHub's workflow commands, which it shows on the lines of a pull request.

    Escaped as its runner unescapes them: https://github.com/actions/toolkit, ``packages/core/src/command.ts``.
    """
    problems = sum(not each.note for each in found)
    counted = f"definitions: {checked.definitions:,}, files: {checked.files:,}, problems: {problems:,}"
    return "\n".join([*map(_annotation, found), counted])


def _annotation(problem: Problem) -> str:
    source = problem.source
    title = f"{problem.subject or source.path} ({problem.rule})"
    named = {"file": source.path, "line": str(source.line), "col": str(source.column), "title": title}
    where = ",".join(f"{name}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in named.items())
    return f"::{'notice' if problem.note else 'error'} {where}::{_data(problem.said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def gitlab(_: Checked, found: Sequence[Problem]) -> str:
    """Return problems and notes as a report of GitLab's code quality, which a merge request shows on its lines."""
    return _json(
        [
            {
                "description": f"{problem.subject}: {problem.said}" if problem.subject else problem.said,
                "check_name": problem.rule,
                "fingerprint": hashlib.sha256(str(problem).encode("utf-8", "surrogatepass")).hexdigest()[:32],
                "severity": "info" if problem.note else "major",
                "location": {"path": problem.source.path, "lines": {"begin": problem.source.line}},
            }
            for problem in found
        ]
    )


def sarif(_: Checked, found: Sequence[Problem]) -> str:
    """Return problems and notes as SARIF 2.1.0 (OASIS), which code scanning reads."""
    rules = _rules()
    names = list(rules)
    driver = {
        "name": "ai-admin",
        "semanticVersion": __version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in rules.items()],
    }
    results = [_result(problem, names.index(problem.rule)) for problem in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _json({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    source = problem.source
    place = {
        "artifactLocation": {"uri": quote(source.path, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": source.line, "startColumn": source.column},
    }
    found: dict[str, Any] = {
        "ruleId": problem.rule,
        "ruleIndex": rule,
        "level": "note" if problem.note else "error",
        "message": {"text": problem.said},
        "locations": [{"physicalLocation": place}],
    }
    if problem.subject:
        found["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": problem.subject}]
    return found


def _rules() -> Mapping[str, str]:
    """Return what finds problems, by name, with what it looks for."""
    own = {
        YAML: "A file is YAML.",
        SCHEMA: "A file is as its schema says.",
        UNIQUE: "A key is defined once.",
        STALE: "A generated client is what the definitions generate.",
    }
    rules = {rule.name: rule for found in RULES.values() for rule in found}
    return own | {name: _first_sentence(rules[name].check) for name in sorted(rules)}


def _first_sentence(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


FORMS: Mapping[str, Form] = {"json": as_json, "github": github, "gitlab": gitlab, "sarif": sarif}
"""The forms by name."""
