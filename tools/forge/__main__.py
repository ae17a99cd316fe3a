"""The commands: `python3 -m tools.forge COMMAND …`. On GitLab where there is a ``GITLAB_CI``, else on GitHub.

    comment PULL NAME FILE… write the files into the one comment of that name of a pull request
    issue TITLE [FILE]      write the file into the one issue of that title; without FILE: close it
    plan STACK COMMIT FILE  write the plan that was reviewed into FILE, and print the number of its pull request;
                            exit code 3 where there is no plan, with the number where there is a pull request
    asks ENVIRONMENT        GitHub: fail unless somebody must agree before a job of the environment starts
    newer COMMIT            print the commit of this branch that was applied last if it is newer than this one; stdin is
                            the stack's history, as `pulumi stack history --output json` prints it
    artifact PIPELINE JOB PATH FILE
                            GitLab: write what a job of a pipeline left under a path into FILE
    annotate FILE           GitHub: print annotations for the failures in a JUnit file
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.forge.annotations import failures
from tools.forge.api import Forge, ForgeError, Text
from tools.forge.applied import newer
from tools.forge.github import GitHub
from tools.forge.gitlab import GitLab

NONE = 3
LABEL = "drift"


def marked(name: str, text: str) -> str:
    """Return a text with a first line, which nobody sees, by which it is found again."""
    return f"<!-- ai-admin {name} -->\n{text}"


def is_marked(found: Text, name: str) -> bool:
    """Say whether a text is the one of that name."""
    return found.text.partition("\n")[0].rstrip() == marked(name, "").rstrip()


def put_comment(forge: Forge, pull: int, name: str, text: str) -> None:
    """Write the comment of a name, in the place of what it was."""
    same = (each.id for each in forge.comments(pull) if is_marked(each, name))
    forge.comment(pull, marked(name, text), next(same, None))


def put_issue(forge: Forge, title: str, text: str | None) -> None:
    """Open the issue of this title with a text, or write it into that, or close it (None)."""
    found = next((each for each in forge.issues(LABEL) if is_marked(each, title)), None)
    if text is not None:
        whole = marked(title, text)
        if found is None or found.text.replace("\r\n", "\n").rstrip() != whole.rstrip():
            forge.issue(title, whole, LABEL, found.id if found else None)
    elif found is not None:
        forge.close(found.id)


def get_plan(forge: Forge, stack: str, commit: str, file: Path) -> int:
    """Write the plan that was reviewed into a file, and return the exit code."""
    pull = forge.merged(commit)
    if pull is None:
        return NONE
    print(pull.number)
    plan = forge.plan(pull, stack)
    if plan is None:
        return NONE
    file.write_bytes(plan)
    return 0


def main(command: str, *arguments: str) -> int:
    """Carry out a command and return its exit code."""
    if command == "annotate":
        print(*failures(Path(arguments[0]).read_bytes()), sep="\n")
        return 0
    if command == "newer":
        branch = os.environ.get("CI_COMMIT_BRANCH") or os.environ["GITHUB_REF_NAME"]
        if found := newer(sys.stdin.read(), arguments[0], branch):
            print(found)
        return 0
    if command == "asks":
        if not GitHub(os.environ).asks(arguments[0]):
            print(f"the environment {arguments[0]} asks nobody; give it required reviewers", file=sys.stderr)
            return 1
        return 0
    if command == "artifact":
        pipeline, job, path, file = arguments
        left = GitLab(os.environ).artifact(int(pipeline), job, path)
        if left is None:
            print(f"the job {job} has left no {path}", file=sys.stderr)
            return NONE
        Path(file).write_bytes(left)
        return 0
    forge: Forge = GitLab(os.environ) if "GITLAB_CI" in os.environ else GitHub(os.environ)
    if command == "comment":
        put_comment(forge, int(arguments[0]), arguments[1], _read(arguments[2:]))
    elif command == "issue":
        put_issue(forge, arguments[0], _read(arguments[1:]) if arguments[1:] else None)
    elif command == "plan":
        return get_plan(forge, arguments[0], arguments[1], Path(arguments[2]))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


def _read(files: Sequence[str]) -> str:
    # A text that was cut may end within a character.
    return "\n".join(Path(file).read_text(encoding="utf-8", errors="replace") for file in files)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (ForgeError, OSError) as problem:
        sys.exit(str(problem))
