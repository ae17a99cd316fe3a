"""`python -m tools.forge` against a GitHub and a GitLab on loopback."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.commands import run_here
from tests.support.forges import FakeForge, FakeGitHub, FakeGitLab, running
from tests.support.sandbox import REPOSITORY

PLAN = b'{"version": 1}'
OLD = "<!-- ai-admin plans -->\n### before\n"
NEW = "<!-- ai-admin plans -->\n### after\n"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    forge = FakeGitHub()
    with running(forge):
        yield forge


@pytest.fixture
def gitlab() -> Iterator[FakeGitLab]:
    forge = FakeGitLab()
    with running(forge):
        yield forge


def run(forge: FakeGitHub | FakeGitLab, *arguments: str | Path, code: int = 0, **environ: str) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI", "GITLAB"))}
    main = partial(runpy.run_module, "tools.forge", run_name="__main__")
    done = run_here(main, ["tools.forge", *map(str, arguments)], REPOSITORY, {**plain, **forge.environ, **environ})
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def written(folder: Path, text: str, name: str = "plan.md") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_plans_are_one_comment_that_is_replaced(github: FakeGitHub, tmp_path: Path) -> None:
    for number in range(150):
        github.says(3, f"Comment {number}", by="User")
    github.says(3, OLD, by="User")  # somebody's own, whom a rewritten one would let forge a plan
    for text in ("### before\n", "### after\n"):
        staging = written(tmp_path, "### staging\n", "staging.md")
        run(github, "comment", "3", "plans", written(tmp_path, text), staging)
    run(github, "comment", "3", "moved production", staging)
    ours = [each["body"] for each in github.comments[3] if each["user"]["type"] == "Bot"]
    assert ours == [f"{NEW}\n### staging\n", "<!-- ai-admin moved production -->\n### staging\n"]
    assert github.comments[3][150]["body"] == OLD


def test_a_text_may_be_cut_within_a_character(github: FakeGitHub, tmp_path: Path) -> None:
    cut = tmp_path / "cut.md"
    cut.write_bytes("    é".encode()[:-1])
    run(github, "comment", "3", "plans", cut)
    assert github.comments[3][0]["body"] == "<!-- ai-admin plans -->\n    \ufffd"


def test_an_issue_is_opened_updated_and_closed(github: FakeGitHub, tmp_path: Path) -> None:
    title, file = "PostHog differs from the files: production", written(tmp_path, "flag ai\n")
    run(github, "issue", title)
    assert github.issues == {}
    run(github, "issue", title, file)
    run(github, "issue", "PostHog differs from the files: staging", file)
    assert [github.issues[number]["title"] for number in (1, 2)] == [title, title.replace("production", "staging")]
    github.calls.clear()
    run(github, "issue", title, file)
    assert {method for method, _, _ in github.calls} == {"GET"}, "nobody is told twice of the same"
    run(github, "issue", title, written(tmp_path, "flag ai and flag beta\n"))
    assert github.issues[1]["body"] == f"<!-- ai-admin {title} -->\nflag ai and flag beta\n"
    run(github, "issue", title)
    assert [github.issues[number]["state"] for number in (1, 2)] == ["closed", "open"]
    run(github, "issue", title, file)
    assert (len(github.issues), github.issues[3]["state"]) == (3, "open")


def test_the_reviewed_plan_is_that_of_the_merged_pull_request(github: FakeGitHub, tmp_path: Path) -> None:
    github.merges("abc", 3, head="def")
    name = "plan-production-3-def"
    github.keeps(name, "def", {"plan.json": b"of an earlier run"})
    github.keeps(name, "def", {"plan.json": PLAN, "plan.md": b""})
    github.keeps(name, "def", {"plan.json": b"of an attacker"}, fork=True)
    github.keeps(name, "other", {"plan.json": b"of another commit"})
    github.keeps(name, "def", {"plan.json": b"of another workflow"}, path=".github/workflows/mine.yml")
    github.keeps(name, "def", {"plan.json": b"of a push"}, event="push")
    github.keeps(name, "def", {"plan.json": b"that nobody reviewed"}, at="2026-11-27T12:00:01Z")
    github.keeps("plan-production-4-def", "def", {"plan.json": b"of another pull request"})
    github.keeps("plan-staging-3-def", "def", {"plan.json": b"of another stack"})
    assert (REPOSITORY / github.runs[1002]["path"]).is_file()
    assert run(github, "plan", "production", "abc", tmp_path / "reviewed.json") == "3\n"
    assert (tmp_path / "reviewed.json").read_bytes() == PLAN


def test_a_plan_that_is_gone_or_never_was(github: FakeGitHub, tmp_path: Path) -> None:
    github.merges("abc", 3, head="def")
    github.keeps("plan-production-3-def", "def", {"plan.json": PLAN}, expired=True)
    assert run(github, "plan", "production", "abc", tmp_path / "reviewed.json", code=3) == "3\n"
    github.keeps("plan-production-3-def", "def", {"plan.md": b"why there is none"})
    assert run(github, "plan", "production", "abc", tmp_path / "reviewed.json", code=3) == "3\n"
    github.merges("elsewhere", 5, head="def", into="somebodys-branch")
    assert run(github, "plan", "production", "elsewhere", tmp_path / "reviewed.json", code=3) == ""
    assert run(github, "plan", "production", "pushed", tmp_path / "reviewed.json", code=3) == ""
    assert not (tmp_path / "reviewed.json").exists()


def test_nothing_is_applied_unasked(github: FakeGitHub) -> None:
    """GitHub makes an environment that nobody has set up, and lets everything into it."""
    github.reviewers.add("production-moved")
    run(github, "asks", "production-moved")
    assert "the environment staging-moved asks nobody" in run(github, "asks", "staging-moved", code=1)


def test_what_the_forge_refuses_is_one_line(github: FakeGitHub, tmp_path: Path) -> None:
    said = run(github, "comment", "3", "plans", written(tmp_path, OLD), code=1, GH_TOKEN="another")
    assert "GET issues/3/comments?per_page=100&page=1: 401" in said
    assert "another" not in said
    assert "No such file" in run(github, "comment", "3", "plans", tmp_path / "gone.md", code=1)
    assert "Connection refused" in run(github, "issue", "x", code=1, GITHUB_API_URL="http://127.0.0.1:1")


def test_gitlab_has_one_note_and_one_issue(gitlab: FakeGitLab, tmp_path: Path) -> None:
    gitlab.says(OLD, by=2)
    for text in (OLD, NEW):
        run(gitlab, "comment", "3", "plans", written(tmp_path, text.partition("\n")[2]))
    assert [each["body"] for each in gitlab.notes] == [OLD, NEW]
    run(gitlab, "issue", "drift", written(tmp_path, "one\n"))
    run(gitlab, "issue", "drift", written(tmp_path, "two\n"))
    assert [each["description"] for each in gitlab.issues.values()] == ["<!-- ai-admin drift -->\ntwo\n"]
    run(gitlab, "issue", "drift")
    assert gitlab.issues[1]["state"] == "closed"


def test_gitlab_has_the_plan_of_the_merge_requests_own_pipeline(gitlab: FakeGitLab, tmp_path: Path) -> None:
    merged = {"iid": 3, "state": "merged", "sha": "def", "merge_commit_sha": "abc", "squash_commit_sha": None}
    merged |= {"target_branch": "main", "merged_at": "2026-11-27T12:00:00.000Z"}
    ours = {"source": "merge_request_event", "project_id": 7, "sha": "test", "ref": "refs/merge-requests/3/merge"}
    done = {"finished_at": "2026-11-27T11:00:00.000Z"}
    gitlab.tables |= {
        "repository/commits/abc/merge_requests": [
            {**merged, "state": "opened"},
            {**merged, "target_branch": "somebodys-branch"},
            merged,
        ],
        "repository/commits/pushed/merge_requests": [],
        "merge_requests/3/pipelines": [
            {**ours, "id": 26, "ref": "refs/merge-requests/3/train"},
            {**ours, "id": 25, "project_id": 8},
            {**ours, "id": 24, "sha": "another"},
            {**ours, "id": 23, "sha": "forgotten"},
            {**ours, "id": 21, "source": "push"},
            {**ours, "id": 20},
            {**ours, "id": 19},
        ],
        "repository/commits/test": {"parent_ids": ["main", "def"]},
        "repository/commits/another": {"parent_ids": ["main", "earlier"]},
        "pipelines/20/jobs": [{"id": 200, "name": "check"}, {"id": 201, "name": "plan: [production]", **done}],
        "pipelines/19/jobs": [{"id": 191, "name": "plan: [staging]", **done}],
        "jobs/191/artifacts/plans/staging/plan.json": [{"version": "of an earlier pipeline"}],
        "jobs/201/artifacts/plans/production/plan.json": [{"version": 1}],
    }
    assert run(gitlab, "plan", "production", "abc", tmp_path / "reviewed.json") == "3\n"
    assert (tmp_path / "reviewed.json").read_bytes() == b'[{"version": 1}]'
    assert run(gitlab, "plan", "staging", "abc", tmp_path / "none.json", code=3) == "3\n"
    assert run(gitlab, "plan", "production", "pushed", tmp_path / "none.json", code=3) == ""
    done["finished_at"] = "2026-11-27T13:00:01.000+01:00"
    gitlab.tables["pipelines/20/jobs"] = [{"id": 201, "name": "plan: [production]", **done}]
    assert run(gitlab, "plan", "production", "abc", tmp_path / "none.json", code=3) == "3\n", "nobody reviewed it"
    path = "plans/production/plan.json"
    run(gitlab, "artifact", "20", "plan: [production]", path, tmp_path / "again.json")
    assert (tmp_path / "again.json").exists()
    assert "the job gone has left no" in run(gitlab, "artifact", "20", "gone", path, tmp_path / "x", code=3)


JUNIT = """<testsuites><testsuite name="production" tests="2" failures="1">
<testcase classname="flag/ai" name="internal: 100 %, r1" file="flags/ai.yaml" line="7">
<failure message="expected r1, got false">flags/ai.yaml:7
why</failure></testcase>
<testcase classname="flag/ai" name="others" file="flags/ai.yaml" line="9"/></testsuite></testsuites>"""


def test_a_failing_flag_test_is_an_annotation_on_its_line(github: FakeForge, tmp_path: Path) -> None:
    assert isinstance(github, FakeGitHub)
    said = run(github, "annotate", written(tmp_path, JUNIT, "tests.xml"))
    assert said == (
        "::error file=flags/ai.yaml,line=7,title=flag/ai%3A internal%3A 100 %25%2C r1 (production)"
        "::expected r1, got false\n"
    )
