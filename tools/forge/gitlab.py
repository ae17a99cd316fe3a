"""GitLab's REST API (https://docs.gitlab.com/api/rest), with a token of the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from tools.forge.api import Api, ForgeError, Pull, Text


class GitLab:
    """A project on GitLab."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where it is, and the token, from the variables of a pipeline."""
        address, headers = environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": environ["FORGE_TOKEN"]}
        self._api = Api(f"{address}/projects/{environ['CI_PROJECT_ID']}", headers)
        self._all = Api(address, headers)
        self._project, self._branch = environ["CI_PROJECT_ID"], environ.get("CI_COMMIT_BRANCH")

    def comments(self, pull: int) -> Iterator[Text]:
        """Yield what the token's own user commented; another one's note stays whatever it says."""
        me = self._all.get("user")["id"]
        for each in self._api.every(f"merge_requests/{pull}/notes", sort="asc"):
            if each["author"]["id"] == me and not each["system"]:
                yield Text(each["id"], each["body"])

    def comment(self, pull: int, text: str, id_: int | None) -> None:
        """Write a comment, or another text into one."""
        path = f"merge_requests/{pull}/notes"
        if id_ is None:
            self._api.send("POST", path, {"body": text})
        else:
            self._api.send("PUT", f"{path}/{id_}", {"body": text})

    def issues(self, label: str) -> Iterator[Text]:
        """Yield the open issues with a label."""
        for each in self._api.every("issues", state="opened", labels=label):
            yield Text(each["iid"], each["description"] or "")

    def issue(self, title: str, text: str, label: str, id_: int | None) -> None:
        """Open an issue, or write another text into one."""
        if id_ is None:
            self._api.send("POST", "issues", {"title": title, "description": text, "labels": label})
        else:
            self._api.send("PUT", f"issues/{id_}", {"title": title, "description": text})

    def close(self, id_: int) -> None:
        """Close an issue."""
        self._api.send("PUT", f"issues/{id_}", {"state_event": "close"})

    def merged(self, commit: str) -> Pull | None:
        """Return the merge request that a commit merged into this branch; None where it was pushed without one."""
        for each in self._api.get(f"repository/commits/{commit}/merge_requests"):
            commits = (each["merge_commit_sha"], each["squash_commit_sha"], each["sha"])
            if each["state"] == "merged" and commit in commits and each["target_branch"] == self._branch:
                return Pull(each["iid"], each["sha"], each["merged_at"])
        return None

    def plan(self, pull: Pull, stack: str) -> bytes | None:
        """Return the plan that the newest pipeline for the reviewed commit left before the merge.

        The pipelines of a fork are the fork's own. That of a merge train comes after the review.
        """
        for pipeline in self._api.every(f"merge_requests/{pull.number}/pipelines"):
            ours = pipeline["source"] == "merge_request_event" and str(pipeline["project_id"]) == self._project
            if ours and not pipeline["ref"].endswith("/train") and self._tests(pipeline["sha"], pull.head):
                return self.artifact(pipeline["id"], f"plan: [{stack}]", f"plans/{stack}/plan.json", pull.merged_at)
        return None

    def _tests(self, tested: str, head: str) -> bool:
        """Say whether a pipeline's commit is a merge request's head, or a merge of it that GitLab made for the test."""
        if tested == head:
            return True
        try:
            return head in self._api.get(f"repository/commits/{tested}")["parent_ids"]
        except ForgeError:  # GitLab forgets such a merge once there is a newer one
            return False

    def artifact(self, pipeline: int, job: str, path: str, until: str | None = None) -> bytes | None:
        """Return a file that the newest job of this name left in a pipeline; None where there is none any more.

        ``until`` is a time, ISO 8601: what a job left later does not count.
        """
        for each in self._api.every(f"pipelines/{pipeline}/jobs"):
            if each["name"] == job:
                if until and datetime.fromisoformat(each["finished_at"] or until) > datetime.fromisoformat(until):
                    return None
                try:
                    return self._api.read(f"jobs/{each['id']}/artifacts/{path}")
                except ForgeError:
                    return None
        return None
