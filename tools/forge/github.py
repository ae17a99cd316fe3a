"""GitHub's REST API (https://docs.github.com/rest), with the token of a workflow."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime

from tools.forge.api import Api, Pull, Text

PLAN = "plan.json"

WORKFLOW = ".github/workflows/preview.yml"
"""What makes the plans."""


class GitHub:
    """A repository on GitHub."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where it is, and the token, from the variables of a workflow."""
        address = f"{environ['GITHUB_API_URL']}/repos/{environ['GITHUB_REPOSITORY']}"
        headers = {"Authorization": f"Bearer {environ['GH_TOKEN']}", "Accept": "application/vnd.github+json"}
        self._api = Api(address, headers)
        self._branch = environ.get("GITHUB_REF_NAME")

    def comments(self, pull: int) -> Iterator[Text]:
        """Yield what machines commented; a person's comment stays whatever it says."""
        for each in self._api.every(f"issues/{pull}/comments"):
            if each["user"]["type"] == "Bot":
                yield Text(each["id"], each["body"])

    def comment(self, pull: int, text: str, id_: int | None) -> None:
        """Write a comment, or another text into one."""
        if id_ is None:
            self._api.send("POST", f"issues/{pull}/comments", {"body": text})
        else:
            self._api.send("PATCH", f"issues/comments/{id_}", {"body": text})

    def issues(self, label: str) -> Iterator[Text]:
        """Yield the open issues with a label; to GitHub a pull request is an issue, too."""
        for each in self._api.every("issues", state="open", labels=label):
            if "pull_request" not in each:
                yield Text(each["number"], each["body"] or "")

    def issue(self, title: str, text: str, label: str, id_: int | None) -> None:
        """Open an issue, or write another text into one."""
        if id_ is None:
            self._api.send("POST", "issues", {"title": title, "body": text, "labels": [label]})
        else:
            self._api.send("PATCH", f"issues/{id_}", {"title": title, "body": text})

    def close(self, id_: int) -> None:
        """Close an issue."""
        self._api.send("PATCH", f"issues/{id_}", {"state": "closed", "state_reason": "completed"})

    def merged(self, commit: str) -> Pull | None:
        """Return the pull request that a commit merged into this branch; None where it was pushed without one."""
        for each in self._api.get(f"commits/{commit}/pulls"):
            if each["merged_at"] and each["merge_commit_sha"] == commit and each["base"]["ref"] == self._branch:
                return Pull(each["number"], each["head"]["sha"], each["merged_at"])
        return None

    def plan(self, pull: Pull, stack: str) -> bytes | None:
        """Return the plan that the workflow ``preview`` left for the reviewed commit, before the merge.

        Another workflow, or one in a fork, may call an artifact what it likes; and a run may be started again.
        """
        for each in self._api.every("actions/artifacts", "artifacts", name=f"plan-{stack}-{pull.number}-{pull.head}"):
            run = each["workflow_run"]
            ours = run["head_repository_id"] == run["repository_id"] and run["head_sha"] == pull.head
            in_time = datetime.fromisoformat(each["created_at"]) <= datetime.fromisoformat(pull.merged_at)
            if ours and in_time and not each["expired"] and self._is_preview(run["id"]):
                with zipfile.ZipFile(io.BytesIO(self._api.read(f"actions/artifacts/{each['id']}/zip"))) as found:
                    return found.read(PLAN) if PLAN in found.namelist() else None
        return None

    def _is_preview(self, run: int) -> bool:
        found = self._api.get(f"actions/runs/{run}")
        return found["event"] == "pull_request" and str(found["path"]).partition("@")[0] == WORKFLOW

    def asks(self, environment: str) -> bool:
        """Return whether an environment has required reviewers."""
        rules = self._api.get(f"environments/{environment}")["protection_rules"]
        return any(rule["type"] == "required_reviewers" for rule in rules)
