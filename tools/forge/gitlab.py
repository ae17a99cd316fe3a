"""GitLab's REST API (https://docs.gitlab.com/api/rest), with a token of the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.forge.api import Api, ForgeError, Pull, Text


class GitLab:
    """A project on GitLab."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where it is, and the token, from the variables of a pipeline."""
        address, headers = environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": environ["FORGE_TOKEN"]}
        self._api = Api(f"{address}/projects/{environ['CI_PROJECT_ID']}", headers)
        self._all = Api(address, headers)

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
        """Return the merge request that a commit merged; None where it was pushed without one."""
        found = self._api.get(f"repository/commits/{commit}/merge_requests")
        for each in found:
            commits = (each["merge_commit_sha"], each["squash_commit_sha"], each["sha"])
            if each["state"] == "merged" and commit in commits:
                return Pull(each["iid"], each["sha"])
        return None

    def plan(self, pull: Pull, stack: str) -> bytes | None:
        """Return the plan that the newest pipeline of a merge request left; those of a fork are the fork's own."""
        for pipeline in self._api.every(f"merge_requests/{pull.number}/pipelines"):
            if pipeline["source"] != "merge_request_event":
                continue
            if plan := self.artifact(pipeline["id"], f"plan: [{stack}]", f"plans/{stack}/plan.json"):
                return plan
        return None

    def artifact(self, pipeline: int, job: str, path: str) -> bytes | None:
        """Return a file that the newest job of this name left in a pipeline; None where there is none any more."""
        for each in self._api.every(f"pipelines/{pipeline}/jobs"):
            if each["name"] == job:
                try:
                    return self._api.read(f"jobs/{each['id']}/artifacts/{path}")
                except ForgeError:
                    return None
        return None
