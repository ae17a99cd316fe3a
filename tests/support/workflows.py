"""Jobs of GitHub's workflows, run as GitHub runs them: each in a clone of its commit, with what its file gives it.

What is not in a workflow file is done here: ``uses:`` of the few actions that ours name, contexts, expressions, and
which environment has which secrets.
"""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from tests.support.commands import run_script
from tests.support.forges import FakeGitHub
from tests.support.pythons import virtualenv
from tests.support.sandbox import REPOSITORY

WORKFLOWS = REPOSITORY / ".github" / "workflows"
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
_PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "!=": "!=", "-": "_", "true": "True", "false": "False"}
_TOKEN = re.compile(r"'[^']*'|&&|\|\||!=|!|(?<=\w)-(?=\w)|\b(?:true|false)\b")


@cache
def workflow(name: str) -> dict[Any, Any]:
    """Return a workflow as YAML has it; ``on`` is read as True."""
    read: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    return read


def every_job() -> dict[str, dict[str, Any]]:
    """Return the jobs of all workflows, as ``workflow/job``."""
    names = sorted(path.stem for path in WORKFLOWS.glob("*.yml"))
    return {f"{name}/{job}": body for name in names for job, body in workflow(name)["jobs"].items()}


def names(value: Any) -> Any:
    """Return a context, whose parts are attributes; what it lacks is empty, as on GitHub."""
    if not isinstance(value, Mapping):
        return value
    return _Context(**{name.replace("-", "_"): names(part) for name, part in value.items()})


class _Context(SimpleNamespace):
    def __getattr__(self, _: str) -> Any:
        return _Nothing("")


class _Nothing(str):
    def __getattr__(self, _: str) -> Any:
        return self


def evaluated(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return what a value of a workflow file is: an expression's own value, or a text with expressions filled in."""
    whole = _EXPRESSION.fullmatch(text.strip())
    if whole:
        return expression(whole[1], contexts)
    return _EXPRESSION.sub(lambda match: str(expression(match[1], contexts)), text)


def expression(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return the value of an expression, as far as ours go: look-ups, comparisons, and, or, not."""
    python = _TOKEN.sub(lambda match: _PYTHON.get(match[0], match[0]), text)
    functions = {"cancelled": lambda: False, "hashFiles": lambda *_: "0", "format": str.format, "__builtins__": {}}
    return eval(python.strip(), functions, {name: names(each) for name, each in contexts.items()})


@dataclass
class Done:
    """A job that ran."""

    folder: Path
    head: str
    """The commit whose run it is of."""
    failed: bool = False
    said: str = ""
    """What the steps printed."""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    """The scripts that were run."""


class Runner:
    """Runs jobs of one repository."""

    def __init__(self, origin: Path, github: FakeGitHub, folder: Path) -> None:
        self.origin, self.github, self.folder = origin, github, folder
        self.secrets: dict[str, dict[str, str]] = {}
        """The secrets of each environment."""
        self.variables: dict[str, str] = {}
        self.environ: dict[str, str] = {}
        """What is in the runner's environment besides."""
        self.scripts: set[str] = set()
        """What was run so far."""
        self._jobs = 0

    def run(self, name: str, job: str, commit: str, **contexts: Any) -> Done:
        """Run a job for a commit. Contexts are given as GitHub's are called: matrix, inputs, event, …"""
        read = workflow(name)
        body = read["jobs"][job]
        event = {"repository": {"default_branch": "main"}, **contexts.pop("event", {})}
        given: dict[str, Any] = {"strategy": {"job-total": 1}, **contexts, "runner": {"os": "Linux"}, "steps": {}}
        given["vars"] = self.variables
        given["github"] = {
            "token": self.github.environ["GH_TOKEN"],
            "repository": self.github.repository,
            "ref": "refs/heads/main",
            "event": event,
            "event_name": next((name for name in ("pull_request", "merge_group") if name in event), "push"),
        }
        if "if" in body and not evaluated(f"${{{{ {_bare(body['if'])} }}}}", given):
            raise AssertionError(f"{name}/{job} does not run: {body['if']}")
        environment = evaluated(body["environment"], given) if "environment" in body else None
        given["secrets"] = self.secrets[environment] if environment else {}
        self._jobs += 1
        head = event["pull_request"]["head"]["sha"] if "pull_request" in event else commit
        done = Done(self.folder / f"job-{self._jobs}", head)
        done.folder.mkdir(parents=True)
        variables = {**read.get("env", {}), **body.get("env", {})}
        for step in body["steps"]:
            condition = _bare(step.get("if", "true"))
            if done.failed and "cancelled()" not in condition:
                continue
            if not evaluated(f"${{{{ {condition} }}}}", given):
                continue
            if "uses" in step:
                with_ = {key: evaluated(str(value), given) for key, value in step.get("with", {}).items()}
                self._use(step["uses"].partition("@")[0], with_, commit, done)
            else:
                self._script(step, variables, given, commit, done)
        outputs = body.get("outputs", {})
        done.outputs = {key: str(evaluated(value, given)) for key, value in outputs.items()}
        return done

    def _use(self, action: str, given: dict[str, Any], commit: str, done: Done) -> None:
        if action == "actions/checkout":
            wanted = given.get("ref") or commit
            # A clone that is as shallow as on GitHub lacks what a script wrongly relies on.
            depth = str(given.get("fetch-depth", 1))
            for command in (
                ["init", "-q", "-b", "main"],
                ["remote", "add", "origin", f"file://{self.origin}"],
                *([["fetch", "-q", "origin"]] if depth == "0" else []),
                ["fetch", "-q", *([] if depth == "0" else ["--depth", depth]), "origin", wanted],
                ["checkout", "-q", "--detach", "FETCH_HEAD"],
            ):
                subprocess.run(["git", *command], cwd=done.folder, check=True, capture_output=True)
        elif action == "./.github/actions/setup":
            (done.folder / ".venv").symlink_to(virtualenv())
            (done.folder / ".toolchain").symlink_to(REPOSITORY / ".toolchain")
        elif action == "actions/upload-artifact":
            path = done.folder / str(given["path"]).strip()
            files = {each.name: each.read_bytes() for each in ([path] if path.is_file() else sorted(path.iterdir()))}
            self.github.keeps(given["name"], done.head, files)
        elif action == "actions/download-artifact":
            self._download(given, done)
        elif action == "github/codeql-action/upload-sarif":
            assert (done.folder / given["sarif_file"]).is_file()
        else:
            raise AssertionError(f"no test knows what {action} does")

    def _download(self, given: dict[str, Any], done: Done) -> None:
        """Take the artifacts of the same run."""
        pattern = re.escape(given.get("pattern") or given["name"]).replace(r"\*", ".*")
        ours = [each for each in self.github.artifacts if each["workflow_run"]["head_sha"] == done.head]
        for name, each in {each["name"]: each for each in reversed(ours)}.items():
            if re.fullmatch(pattern, name):
                target = done.folder / given.get("path", "") / (name if "pattern" in given else "")
                with zipfile.ZipFile(io.BytesIO(self.github.blobs[each["id"]])) as archive:
                    archive.extractall(target)

    def _script(
        self, step: dict[str, Any], variables: dict[str, str], given: dict[str, Any], commit: str, done: Done
    ) -> None:
        assert "${{" not in step["run"], "what somebody typed is a variable, and no part of a script"
        output, summary = done.folder / ".output", done.folder / ".summary"
        output.touch()
        summary.touch()
        github = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_SHA": commit,
            **{name: value for name, value in self.github.environ.items() if name != "GH_TOKEN"},
        }
        variables = {**variables, **step.get("env", {})}
        mapped = {name: str(evaluated(str(value), given)) for name, value in variables.items()}
        environ = {**self.environ, **github, **mapped}
        ran = run_script(step["run"], done.folder, environ, self.folder / "bin")
        done.steps.append(step["run"])
        self.scripts.add(step["run"])
        done.said += f"$ {step['run']}\n{ran.stdout}{ran.stderr}"
        done.failed = done.failed or ran.returncode != 0
        done.summary = summary.read_text()
        if "id" in step:
            lines = output.read_text().splitlines()
            given["steps"][step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}


def _bare(condition: Any) -> str:
    """Return an ``if:`` without the braces that it may have."""
    whole = _EXPRESSION.fullmatch(str(condition).strip())
    return (whole[1] if whole else str(condition)).replace("True", "true")
