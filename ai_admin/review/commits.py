"""The commits that changed definitions, from Git: who made them, who reviewed them, and why."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from providers.posthog.errors import NoHistory

ABSENT = "0" * 40
"""How Git writes the blob of a file that is not there."""

_FIELDS = "%x00>%H%x00%P%x00%cI%x00%an <%ae>%x00%cn <%ce>%x00%B%x00"
"""What is asked of a commit: parts that end with NUL, which no message has in it. The first one begins with ``>``."""

_RAW = ("--raw", "-z", "--no-abbrev", "--no-renames", "--relative", f"--format={_FIELDS}")

_TRAILER = re.compile(r"^([A-Za-z][A-Za-z-]+): +(.+)$")
_MERGE = re.compile(r"^Merge (?:pull request #(\d+)|(?:remote-tracking )?branch|branches|tag|commit)\b")
_SQUASHED = re.compile(r"\s*\(#(\d+)\)$")
_GITLAB = re.compile(r"^See merge request (?:\S*?)!(\d+)$", re.MULTILINE)
_REVIEWED = ("reviewed-by", "approved-by", "acked-by")
_WROTE = "co-authored-by"
_NO_REASON = (*_REVIEWED, _WROTE, "signed-off-by")


@dataclass(frozen=True)
class Told:
    """What a commit's message says."""

    reason: str
    """Its subject and text, of a merge the title and text of what was merged, without what is told below."""
    pull_request: str = ""
    """``#123``, GitLab's ``!123``; empty where the message names none."""
    reviewers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    """Who wrote it together with the author."""


@dataclass(frozen=True)
class File:
    """What a commit did to one file, by the ids of its content before and after."""

    before: str
    after: str
    path: str


@dataclass(frozen=True)
class Commit:
    """A commit of the branch's first line; a merge includes what it brought."""

    id: str
    parents: tuple[str, ...]
    at: str
    """When it came onto the branch: ISO 8601, UTC."""
    author: str
    """``Ana <ana@example.com>``."""
    committer: str
    told: Told
    files: tuple[File, ...] = ()


def told(message: str) -> Told:
    """Return the reason, the reviewers and the pull request in a commit's message. Pure.

    Trailers are Git's (git-interpret-trailers(1)); GitHub writes the pull request as "Merge pull request #1 from …" or
    "Subject (#1)", GitLab as "See merge request group/project!1".
    """
    lines = [line.rstrip() for line in message.strip().splitlines()]
    trailers = list(_trailers(lines))
    rest = [line for line in lines if line not in {line for name, _, line in trailers if name in _NO_REASON}]
    subject, text = (rest[0] if rest else ""), "\n".join(rest[1:]).strip()
    pull_request = ""
    if found := _GITLAB.search(text):
        pull_request, text = f"!{found[1]}", _GITLAB.sub("", text).strip()
    if found := _MERGE.match(subject):
        pull_request = f"#{found[1]}" if found[1] else pull_request
        subject, text = text.partition("\n")[::2] if text else (subject, "")
    if found := _SQUASHED.search(subject):
        pull_request, subject = pull_request or f"#{found[1]}", subject[: found.start()]
    return Told(
        "\n\n".join(part for part in (subject.strip(), text.strip()) if part),
        pull_request,
        tuple(dict.fromkeys(value for name, value, _ in trailers if name in _REVIEWED)),
        tuple(dict.fromkeys(value for name, value, _ in trailers if name == _WROTE)),
    )


def _trailers(lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and line of the trailers, the last one first: lines at a message's end that all have a name."""
    for line in reversed(lines[1:]):
        found = _TRAILER.match(line)
        if found:
            yield found[1].lower(), found[2], line
        elif line and not _GITLAB.match(line):
            return


class Repository:
    """The Git repository of a checkout. Reads, and writes nothing."""

    def __init__(self, root: Path) -> None:
        """Look at the repository that holds ``root``. Raises :class:`NoHistory` where none does."""
        self._root = root
        self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    @property
    def shallow(self) -> bool:
        """Whether the clone lacks older commits."""
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    def commits(self, folders: Sequence[str]) -> list[Commit]:
        """Return the commits that changed files below folders of the checkout, the oldest first.

        These are the commits of the branch's first line (``--first-parent``): a merge includes all that it brought, at
        the time of the merge. Files and folders may have any name.
        """
        return list(_commits(self._git("log", "--first-parent", "-m", "--reverse", *_RAW, "--", *folders)))

    def uncommitted(self, folders: Sequence[str]) -> frozenset[str]:
        """Return the files below folders of the checkout that are not as the last commit has them."""
        changed = self._git("diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD", "--", *folders)
        new = self._git("ls-files", "--others", "--exclude-standard", "-z", "--", *folders)
        return frozenset(filter(None, (changed + new).split("\0")))

    def merged(self, commit: Commit) -> list[Commit]:
        """Return the commits that a merge brought and that changed the same files; none where it is no merge."""
        if len(commit.parents) < 2:
            return []
        span = f"{commit.parents[0]}..{commit.id}"
        paths = [f":(literal){each.path}" for each in commit.files]
        return list(_commits(self._git("log", "--no-merges", *_RAW, span, "--", *paths)))

    def contents(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return what files held, by the ids of their content."""
        wanted = [each for each in dict.fromkeys(ids) if each != ABSENT]
        answer = self._run(["cat-file", "--batch"], "\n".join(wanted).encode())
        found: dict[str, bytes] = {}
        at = 0
        for each in wanted:
            end = answer.index(b"\n", at)
            *_, size = answer[at:end].split()
            found[each] = answer[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return found

    def _git(self, *arguments: str) -> str:
        return self._run(arguments).decode("utf-8", "replace")

    def _run(self, arguments: Sequence[str], given: bytes | None = None) -> bytes:
        # Whatever somebody's own settings say: no colours, no signatures, and paths as they are.
        command = ["git", "-c", "core.quotePath=false", "-c", "log.showSignature=false", *arguments]
        try:
            done = subprocess.run(command, cwd=self._root, input=given, capture_output=True)
        except OSError:
            raise NoHistory("there is no `git` in PATH") from None
        if done.returncode:
            reason = " ".join(done.stderr.decode("utf-8", "replace").split()) or "there is no commit yet"
            raise NoHistory(f"Git has no history of this checkout: {reason}")
        return done.stdout


def _commits(text: str) -> Iterator[Commit]:
    """Yield the commits in what ``git log -z`` prints: their facts, and what ``--raw`` says of each file."""
    parts = iter(text.split("\0"))
    found: Commit | None = None
    files: list[File] = []
    for part in parts:
        if part.startswith(">"):
            if found:
                yield replace(found, files=tuple(files))
            found, files = _commit(part[1:], *islice(parts, 5)), []
        elif part.lstrip("\n").startswith(":"):
            _, _, before, after, _ = part.split()
            files.append(File(before, after, next(parts)))
    if found:
        yield replace(found, files=tuple(files))


def _commit(id_: str, parents: str, at: str, author: str, committer: str, message: str) -> Commit:
    when = datetime.fromisoformat(at).astimezone(UTC).isoformat()
    return Commit(id_, tuple(parents.split()), when, author, committer, told(message))
