"""What commits changed of definitions, in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions import load
from ai_admin.review.history import Past, history
from ai_admin.review.then import then
from ai_admin.review.timeline import Entry
from providers.posthog.kinds import Ref
from tests.support.checkouts import sample_checkout
from tests.support.past import ANA, BEN, Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, "production", "staging")


def told(entry: Entry) -> list[str]:
    """The lines of an entry as people read them."""
    return [f"{' '.join(line.stacks)}: {line.text}" if line.stacks else line.text for line in entry.lines]


def test_each_commit_says_what_it_changes_in_which_stack(checkout: Checkout) -> None:
    checkout.flag(share=10)
    checkout.commit("Ten (#1)")
    checkout.flag(share=10, more="stacks:\n  staging: {active: false}\n")
    checkout.commit("Not on staging", BEN)
    checkout.flag(share=50, more="stacks:\n  staging: {active: false}\n")
    checkout.commit("Half")
    checkout.flag("other")
    checkout.commit("Another one")
    (checkout.folder / "flags/ai.yaml").unlink()
    checkout.commit("Gone")
    found = history(checkout.folder, "ai")
    assert [(each.at[:10], each.by, each.commit and each.commit.told.reason) for each in found.entries] == [
        ("2026-10-05", (ANA,), "Gone"),
        ("2026-10-03", (ANA,), "Half"),
        ("2026-10-02", (BEN,), "Not on staging"),
        ("2026-10-01", (ANA,), "Ten"),
    ]
    assert [told(each) for each in found.entries] == [
        ["its definition is deleted"],
        ['condition "Everybody" from 10 % to 50 %'],
        ["staging: is switched off"],
        ["is new", 'condition "Everybody" is new: 10 %'],
    ]
    assert found.unread == ()
    assert found.keys == {"ai", "other"}
    one_stack = history(checkout.folder, "flag/ai", "production")
    assert [each.at[:10] for each in one_stack.entries] == ["2026-10-05", "2026-10-03", "2026-10-01"]
    since = history(checkout.folder, since="2026-10-04T00:00:00+00:00")
    assert [str(each.ref) for each in since.entries] == ["flag/ai", "flag/other"]


def test_a_definition_is_followed_through_other_files_and_keys(checkout: Checkout) -> None:
    checkout.flag("old", 10)
    checkout.commit("One")
    (checkout.folder / "flags/old.yaml").rename(checkout.folder / "flags/moved.yaml")
    checkout.commit("Another file, and no other definition")
    (checkout.folder / "flags/moved.yaml").unlink()
    checkout.flag("new", 20, "renamed_from: old\n")
    checkout.commit("Another key")
    found = history(checkout.folder, "new").entries
    assert [told(each) for each in found] == [
        ["key from old to new", 'condition "Everybody" from 10 % to 20 %'],
        ["is new", 'condition "Everybody" is new: 10 %'],
    ]
    assert [str(each.former) for each in found] == ["flag/old", "None"]
    assert history(checkout.folder, "old").entries[-1].at == found[-1].at


COHORT = """\
key: {key}
name: Gold tier
{more}properties: [{{key: plan, value: gold}}]
"""

MEMBERS = """\
key: ai
owner: ai-platform
release_conditions:
  - cohort: {cohort}
    rollout_percentage: 10
"""


def test_a_definition_without_a_key_in_posthog_is_followed_through_other_keys(checkout: Checkout) -> None:
    checkout.write("cohorts/gold.yaml", COHORT.format(key="gold", more=""))
    checkout.write("flags/ai.yaml", MEMBERS.format(cohort="gold"))
    checkout.commit("One")
    checkout.write("cohorts/gold.yaml", COHORT.format(key="golden", more="renamed_from: gold\n"))
    checkout.write("flags/ai.yaml", MEMBERS.format(cohort="golden"))
    checkout.commit("Another key")
    found = history(checkout.folder, "golden").entries
    assert [str(each.former) for each in found] == ["cohort/gold", "None"]
    assert told(found[0]) == ["key from gold to golden, which PostHog is not told"]
    assert told(found[1])[0] == "is new"
    named, _ = history(checkout.folder, "ai").entries
    assert told(named) == ["changes in its file alone: release_conditions"], "the same people, by another name"


def test_a_file_that_does_not_pass_check_hides_nothing(checkout: Checkout) -> None:
    checkout.flag(share=10)
    checkout.commit("Ten")
    checkout.flag(share=500)
    checkout.commit("Out of range")
    checkout.write("flags/ai.yaml", "key: [\n")
    checkout.commit("No YAML")
    checkout.flag(share=50)
    checkout.commit("Half")
    half, syntax, wrong, _ = history(checkout.folder, "ai").entries
    assert told(half) == ['condition "Everybody" from 10 % to 50 %'], "from what passed last"
    [line] = told(wrong)
    assert line.startswith("its file does not pass `ai-admin check`: flags/ai.yaml:5: ")
    assert told(syntax)[0].startswith("its file does not pass `ai-admin check`: flags/ai.yaml:2: ")


def test_what_posthog_is_not_told_is_said_to_be_in_the_file_alone(checkout: Checkout) -> None:
    checkout.flag()
    checkout.commit("One")
    text = (checkout.folder / "flags/ai.yaml").read_text()
    checkout.write("flags/ai.yaml", text.replace("owner: ai-platform", "owner: ai-search"))
    checkout.commit("Another team")
    checkout.write("flags/ai.yaml", "# A comment is no change.\n" + text.replace("ai-platform", "ai-search"))
    checkout.commit("A comment")
    first, *rest = history(checkout.folder, "ai").entries
    assert (told(first), len(rest)) == (["changes in its file alone: owner"], 1)


def test_an_insight_has_its_history_in_its_dashboards_file(checkout: Checkout) -> None:
    dashboard = """\
key: board
name: Board
tiles:
  - insight:
      key: runs
      name: Runs
      trends: {{series: [{{event: $pageview}}], interval: {interval}}}
"""
    checkout.write("dashboards/board.yaml", dashboard.format(interval="day"))
    checkout.commit("A board")
    checkout.write("dashboards/board.yaml", dashboard.format(interval="week"))
    checkout.commit("By week")
    found = history(checkout.folder).entries
    assert [str(each.ref) for each in found[:-3]] == ["insight/runs"]
    assert told(found[0]) == ["query: interval from day to week"]


def test_a_merge_has_the_authors_of_what_it_brought(checkout: Checkout) -> None:
    checkout.flag(share=10)
    checkout.commit("Ten")
    checkout.git("switch", "-q", "-c", "half")
    checkout.flag(share=50)
    checkout.commit("Half of everybody (#2)\n\nReviewed-by: Ana <ana@example.com>", BEN)
    checkout.git("switch", "-q", "main")
    checkout.git("merge", "-q", "--no-ff", "--no-edit", "half", later=True)
    entry = history(checkout.folder, "ai").entries[0]
    assert entry.commit
    told = entry.commit.told
    assert (entry.by, told.reason, told.pull_request, told.reviewers) == ((BEN,), "Half of everybody", "#2", (ANA,))
    assert entry.commit.committer == "Merger <merger@example.com>"


def test_then_is_what_the_file_said_and_who_had_allowed_it(checkout: Checkout) -> None:
    checkout.flag(share=10)
    checkout.commit("Ten (#1)\n\nReviewed-by: Ben <ben@example.com>")
    checkout.flag(share=50, more="stacks:\n  staging: {active: false}\n")
    checkout.commit("Half (#2)", BEN)
    [found], unread = then(checkout.folder, "ai", "2026-10-01T23:59:59+00:00", "staging")
    assert found.stated
    assert found.allowed
    assert found.allowed.commit
    assert found.stated.own["release_conditions"] == [{"description": "Everybody", "rollout_percentage": 10}]
    told = found.allowed.commit.told
    assert (found.allowed.by, told.pull_request, told.reviewers) == ((ANA,), "#1", (BEN,))
    assert (found.known, unread) == (False, ())
    [later], _ = then(checkout.folder, "ai", "2026-10-02T12:00:00+00:00", "staging")
    assert later.stated
    assert later.stated.own["active"] is False
    [before], _ = then(checkout.folder, "ai", "2026-09-30T00:00:00+00:00", "staging")
    assert (before.stated, before.allowed) == (None, None)
    assert then(checkout.folder, "nobody", "2026-10-02T12:00:00+00:00", "staging") == ((), ())


def test_without_git_the_history_says_that_it_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: ai-admin\n")
    found = history(tmp_path)
    assert found.entries == ()
    assert found.unread[0].startswith("Git has no history of this checkout")


@pytest.mark.parametrize("stack", ["production", "sandbox", "staging"])
def test_what_a_commit_defines_is_what_a_checkout_of_it_defines(tmp_path: Path, stack: str) -> None:
    """All samples, of every kind, read out of Git's tree and out of the folder."""
    checkout = Checkout(sample_checkout(tmp_path))
    checkout.commit("The samples")
    stated = Past(checkout.folder).at("2026-12-31", [stack]).stated(stack)
    defined = load(checkout.folder, stack).resources
    assert {ref: each.properties for ref, each in stated.items()} == {
        Ref(each.kind, each.key): each.properties for each in defined
    }
