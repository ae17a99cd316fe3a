"""What a commit's message says, and which commits there are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ai_admin.review.commits import Repository, Told, told
from providers.posthog.errors import NoHistory
from tests.support.past import ANA, BEN, Checkout

MESSAGES = [
    ("Half of everybody", Told("Half of everybody")),
    ("Half of everybody\n\nSales asked for it.\n", Told("Half of everybody\n\nSales asked for it.")),
    ("Half of everybody (#12)", Told("Half of everybody", "#12")),
    (
        "Half of everybody (#12)\n\n* One\n\n* Two\n\nCo-authored-by: Ben <ben@example.com>\n",
        Told("Half of everybody\n\n* One\n\n* Two", "#12", (), (BEN,)),
    ),
    ("Merge pull request #34 from acme/half\n\nHalf of everybody", Told("Half of everybody", "#34")),
    ("Merge pull request #34 from acme/half", Told("Merge pull request #34 from acme/half", "#34")),
    (
        "Merge branch 'half' into 'main'\n\nHalf of everybody\n\nSee merge request acme/ai/flags!56\n",
        Told("Half of everybody", "!56"),
    ),
    (
        "Half of everybody\n\nSee merge request acme/flags!56\n\nReviewed-by: Ana <ana@example.com>\n"
        "Approved-by: Ben <ben@example.com>\nSigned-off-by: Ana <ana@example.com>",
        Told("Half of everybody", "!56", (BEN, ANA)),
    ),
    ("Half\n\nFixes: #7\nReviewed-by: Ana <ana@example.com>", Told("Half\n\nFixes: #7", "", (ANA,))),
    ("Half\n\nReviewed-by: Ana <ana@example.com>\n\nis what it should say.", None),
    ("", Told("")),
]


@pytest.mark.parametrize(("message", "said"), MESSAGES)
def test_a_message_names_reason_pull_request_and_reviewers(message: str, said: Told | None) -> None:
    found = told(message)
    assert set(found.reviewers) == set(said.reviewers if said else ())
    if said:
        assert (found.reason, found.pull_request, found.authors) == (said.reason, said.pull_request, said.authors)


def test_a_merge_stands_for_what_it_brought_when_it_did(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.flag(share=10)
    checkout.commit("Ten (#1)")
    checkout.git("switch", "-q", "-c", "half")
    checkout.flag(share=50)
    written = checkout.commit("Half of everybody\n\nReviewed-by: Ana <ana@example.com>", BEN)
    checkout.git("switch", "-q", "main")
    checkout.write("README.md", "Another change of main.")
    checkout.commit("No definition changes")
    checkout.git("merge", "-q", "--no-ff", "-m", "Merge pull request #2 from acme/half", "half", later=True)
    repository = Repository(tmp_path)
    first, merge = repository.commits(["flags"])
    assert (first.at, first.author, first.told.pull_request) == ("2026-10-01T12:00:00+00:00", ANA, "#1")
    assert (merge.at, merge.committer) == ("2026-10-04T12:00:00+00:00", "Merger <merger@example.com>")
    assert merge.told.pull_request == "#2"
    [brought] = repository.merged(merge)
    assert (brought.id, brought.author, brought.told.reviewers) == (written, BEN, (ANA,))
    assert repository.merged(first) == []
    [file] = merge.files
    assert file.path == "flags/ai.yaml"
    contents = repository.contents([file.before, file.after])
    assert b"rollout_percentage: 10" in contents[file.before]
    assert b"rollout_percentage: 50" in contents[file.after]


def test_no_name_of_a_file_and_no_message_hides_a_commit(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    names = ["flags/>x.yaml", "flags/:x.yaml", "flags/ü b.yaml", "flags/a\nb.yaml"]
    for name in names:
        checkout.write(name, "key: x\n")
    message = "Odd\x1e\x1f\n\n>0123\n:100644 100644 a b M\nflags/x.yaml"
    checkout.commit(message)
    checkout.flag()
    checkout.commit("Next")
    odd, following = Repository(tmp_path).commits(["flags"])
    assert sorted(each.path for each in odd.files) == sorted(names)
    assert odd.told.reason.splitlines()[-3:] == message.splitlines()[-3:]
    assert [each.path for each in following.files] == ["flags/ai.yaml"]


def test_a_checkout_may_be_a_folder_of_the_repository(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("product/flags/ai.yaml", "key: ai\n")
    checkout.commit("Inside")
    [commit] = Repository(tmp_path / "product").commits(["flags"])
    assert [each.path for each in commit.files] == ["flags/ai.yaml"]


def test_what_git_does_not_know_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoHistory, match="Git has no history of this checkout"):
        Repository(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(NoHistory, match="there is no commit yet"):
        Repository(tmp_path)


def test_a_shallow_clone_says_so(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "whole")
    checkout.flag()
    checkout.commit("One")
    checkout.flag(share=20)
    checkout.commit("Two")
    source = f"file://{tmp_path / 'whole'}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, str(tmp_path / "part")], check=True)
    assert not Repository(tmp_path / "whole").shallow
    assert Repository(tmp_path / "part").shallow
