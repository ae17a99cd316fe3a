"""``ai-admin who``: what one installation gets in PostHog, beside what the files give it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from ai_admin.definitions.check import check
from ai_admin.definitions.model import Definition, Source
from ai_admin.evaluation import resources
from ai_admin.evaluation.compared import compared
from ai_admin.evaluation.remote import read
from ai_admin.review.state import Resource, State
from ai_admin.safety.applied import manifest
from providers.posthog.errors import UnreadableState
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from tests.support.applied import apply_flags, client, create_body
from tests.support.checkouts import sample_checkout
from tests.support.sandbox import Sandbox, running_sandbox

Who = Callable[..., Result]
BETA = {"channel": "beta", "version": "2.4.0"}
PERSONS = [
    {name: value for name, value in person.items() if value is not None}
    for person in (
        {
            "channel": chance.choice([None, "beta", "stable", "internal"]),
            "version": chance.choice([None, "2.3.0", "2.4.0", "2.10.1"]),
            "health_status": chance.choice([None, "healthy", "error"]),
            "total_usage": chance.choice([None, 10, 5_000_000]),
        }
        for chance in [random.Random(7)]
        for _ in range(30)
    )
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def sandbox(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with production's flags and cohorts, as the provider would make them, and its persons."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        (root / "Pulumi.production.yaml").write_text(
            f"config: {{ai-admin:host: '{running.url}', ai-admin:project_id: '{running.project_id}'}}\n"
        )
        apply_flags(root, running, "production")
        for number, properties in enumerate(PERSONS):
            _identify(running, f"inst-{number}", properties)
        yield running


def _identify(sandbox: Sandbox, name: str, properties: dict[str, Any]) -> None:
    sandbox.capture({"event": "seen", "distinct_id": name, "properties": {"$set": properties}})


@pytest.fixture
def who(root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Who:
    def run(*arguments: str, key: str = sandbox.api_key) -> Result:
        monkeypatch.chdir(root)
        monkeypatch.setenv("POSTHOG_API_KEY", key)
        return CliRunner().invoke(cli, ["who", "--stack", "production", *arguments])

    return run


def flags(result: Result, code: int = 0) -> dict[str, dict[str, Any]]:
    assert result.exit_code == code, result.output
    return {each["key"]: each for each in json.loads(result.stdout)["flags"]}


def test_what_was_applied_gives_everybody_what_the_files_give(root: Path, sandbox: Sandbox) -> None:
    """Missing properties, versions, cohorts and splits: the service and the files agree, condition by condition."""
    definitions = list(resources(check(root).indexes["production"]))
    names = {each.properties["name"]: each.key for each in definitions if each.kind == "cohort"}
    seen = set()
    for number, properties in enumerate(PERSONS):
        now = read(client(sandbox), f"inst-{number}", {}, names)
        assert now.properties.items() >= properties.items()
        _, rows = compared(definitions, now, f"inst-{number}", frozenset())
        for row in rows:
            assert row.now
            assert row.files
            assert not row.differs, (properties, row)
            if row.now.answer.value is not False:
                assert row.now.by == row.by
                seen.add((row.flag, row.by))
    assert len(seen) > 12


def test_who_has_not_the_property_matches_as_in_posthog(sandbox: Sandbox) -> None:
    """Every operator that PostHog takes in a flag, asked of somebody without the property."""
    values: dict[str, Any] = {
        **dict.fromkeys(("exact", "is_not", "icontains", "not_icontains", "regex", "not_regex"), "beta"),
        **{name: ["beta"] for name in ("icontains_multi", "not_icontains_multi")},
        **dict.fromkeys(("gt", "gte", "lt", "lte"), "5"),
        **dict.fromkeys(
            (f"semver_{name}" for name in ("eq", "neq", "gt", "gte", "lt", "lte", "tilde", "caret")), "2.4.0"
        ),
        "semver_wildcard": "2.*",
        **dict.fromkeys(("is_date_exact", "is_date_before", "is_date_after"), "2026-02-01"),
        **{name: name for name in ("is_set", "is_not_set")},
    }
    flags, made = [], []
    for operator, value in values.items():
        leaf = {"type": "person", "key": "plan", "operator": operator, "value": value}
        conditions = [{"properties": [leaf], "rollout_percentage": 100}]
        properties = KINDS["flag"].canonical({"key": f"missing-{operator}", "release_conditions": conditions})
        flags.append(Definition("flag", f"missing-{operator}", properties, Source("", 1, 1)))
        body = create_body(KINDS["flag"], properties, PostHogDirectory(client(sandbox)))
        made.append(sandbox.call("POST", "feature_flags/", body))
    now = read(client(sandbox), "nobody", {}, {})
    _, rows = compared(flags, now, "nobody", frozenset())
    for each in made:
        sandbox.call("PATCH", f"feature_flags/{each['id']}/", {"deleted": True})
    asked = [row for row in rows if row.flag.startswith("missing-")]
    assert [row.flag for row in asked if row.differs] == []
    matching = {row.flag.removeprefix("missing-") for row in asked if row.files and row.files.answer.value}
    assert matching == {"is_not", "not_icontains", "not_regex", "not_icontains_multi", "is_not_set"}


def test_a_person_reads_who_it_is_what_it_gets_and_why_that_changes(who: Who, root: Path, sandbox: Sandbox) -> None:
    _identify(sandbox, "inst-beta", BETA)
    path = root / "flags" / "ai-enhancement-enabled.yaml"
    text = path.read_text()
    path.write_text(
        text.replace("value: 2.3.0", "value: 2.5.0").replace(
            "    rollout_percentage: 50\n", "    rollout_percentage: 1\n"
        )
    )
    try:
        done = who("inst-beta")
    finally:
        path.write_text(text)
    lines = done.stdout.splitlines()
    assert lines[0] == f"inst-beta in stack production (project {sandbox.project_id} of {sandbox.url})"
    assert '  channel: "beta"' in lines
    start = next(n for n, line in enumerate(lines) if line.startswith("* "))
    assert [line for line in lines if line.startswith("* ")] == [lines[start]]
    told = [line.partition("ai-enhancement-enabled")[2].strip() or line.strip() for line in lines[start : start + 5]]
    assert told[0] == 'now: true by "Beta installations that can show AI results"'
    assert told[1] == "under the files: false: no condition matches"
    assert told[3] == (
        '2. "Beta installations that can show AI results" does not match: version is at least 2.5.0: '
        'its version is "2.4.0"'
    )
    assert told[4].endswith("at 1 %, this id falls at 51.90 %")


def test_the_same_answer_by_another_condition_is_said_and_no_difference(who: Who, sandbox: Sandbox) -> None:
    _identify(sandbox, "inst-beta", {**BETA, "$initial_os": "Linux"})
    rows = flags(who("inst-beta", "--cohort", "internal-installations", "--json"))
    assert not rows["ai-enhancement-enabled"]["differs"]
    told = who("inst-beta", "--cohort", "internal-installations").stdout.splitlines()
    assert "  and 1 property of PostHog's own" in told
    first = next(n for n, line in enumerate(told) if line.startswith("  ai-enhancement-enabled"))
    assert told[first].endswith('  true by "Beta installations that can show AI results"')
    assert told[first + 1].endswith('  under the files by "Internal installations always"')


def test_it_reads_in_six_requests(who: Who, sandbox: Sandbox) -> None:
    sandbox.requests()
    who("inst-0")
    asked = [(each["method"], each["path"].partition("?")[0]) for each in sandbox.requests()]
    project = f"/api/projects/{sandbox.project_id}/"
    names = ("", "persons/", "cohorts/", "feature_flags/", "persons/cohorts/")
    assert sorted(asked) == sorted([("POST", "/flags/"), *(("GET", f"{project}{name}") for name in names)])


def test_definitions_with_problems_are_not_evaluated_and_the_others_are(who: Who, root: Path) -> None:
    """Nor is what refers to them: a cohort can't be read that flags name."""
    cohort = root / "cohorts" / "beta-installations.yaml"
    path, before = root / "flags" / "broken.yaml", cohort.read_text()
    whole = flags(who("inst-1", "--json"))
    path.write_text("key: broken\nrelease_conditions: [{cohort: nobody}]\n")
    cohort.write_text("key: [")
    try:
        done, offline = who("inst-1", "--json"), who("inst-1", "--offline")
    finally:
        path.unlink()
        cohort.write_text(before)
    assert 'flags/broken.yaml:2:31: flag/broken: there is no cohort "nobody"' in done.stderr
    assert "cohorts/beta-installations.yaml:2:1: this is not YAML" in done.stderr
    assert offline.exit_code == 3
    rows = flags(done, 3)
    assert {key: row["now"] for key, row in rows.items()} == {key: row["now"] for key, row in whole.items()}
    left = {key for key, row in rows.items() if row["files"] is None}
    assert "ai-enhancement-enabled" in left
    assert all(rows[key] == whole[key] for key in rows.keys() - left)
    assert "broken" not in offline.stdout


def test_a_property_that_is_given_counts_on_both_sides(who: Who) -> None:
    row = flags(who("nobody", "--property", "total_usage=5000000", "--json"))["ai-max-daily-tokens"]
    assert row["now"] == {"value": "extended", "payload": 1000000, "by": '"Heavy-use installations"'}
    assert row["files"]["value"] == "extended"
    assert json.loads(who("nobody", "--json").stdout)["known"] is False
    assert "PostHog knows no such person" in who("nobody").stdout


def test_a_cohort_that_is_given_counts_under_the_files(who: Who) -> None:
    row = flags(who("nobody", "--cohort", "internal-installations", "--json"))["ai-max-daily-tokens"]
    assert (row["differs"], row["now"]["value"], row["files"]["value"]) == (True, "standard", "internal")


def test_what_only_one_side_has_is_said(who: Who, root: Path, sandbox: Sandbox) -> None:
    """A static cohort's members, a flag that is off, one that no file has, and one that is new."""
    static = sandbox.call("POST", "cohorts/", {"name": "Pilots", "is_static": True})
    _identify(sandbox, "inst-pilot", {})
    [person] = sandbox.call("GET", "persons/?distinct_id=inst-pilot")["results"]
    sandbox.call("PATCH", f"cohorts/{static['id']}/add_persons_to_static_cohort/", {"person_ids": [person["uuid"]]})
    group = {"properties": [{"type": "cohort", "key": "id", "operator": "in", "value": static["id"]}]}
    made = [
        sandbox.call("POST", "feature_flags/", {"key": key, "filters": {"groups": [group]}, "active": active})
        for key, active in (("pilot", True), ("put-away", False))
    ]
    (root / "cohorts" / "pilots.yaml").write_text("key: pilots\nname: Pilots\nis_static: true\n")
    (root / "flags" / "newer.yaml").write_text("key: newer\nrelease_conditions: [{cohort: pilots}]\n")
    (root / "flags" / "pilot.yaml").write_text("key: pilot\nunmanaged: [release_conditions]\n")
    try:
        done, found = who("inst-pilot"), flags(who("inst-pilot", "--json"))
    finally:
        for path in ("cohorts/pilots.yaml", "flags/newer.yaml", "flags/pilot.yaml"):
            (root / path).unlink()
        for each in made:
            sandbox.call("PATCH", f"feature_flags/{each['id']}/", {"deleted": True})
    assert "  in pilots" in done.stdout.splitlines()
    # Left to PostHog's pages: what is there is what is evaluated.
    assert (found["pilot"]["now"]["by"], found["pilot"]["files"]["by"]) == ('"in cohort pilots"', '"in cohort pilots"')
    assert (found["newer"]["now"], found["newer"]["files"]["value"], found["newer"]["differs"]) == (None, True, True)
    assert (found["put-away"]["files"], found["put-away"]["differs"]) == (None, False)
    assert "now: PostHog has no such flag" in done.stdout
    assert "off; no file has this flag" in done.stdout


def test_of_static_cohorts_with_one_name_it_is_not_guessed_which_is_meant(
    who: Who, root: Path, sandbox: Sandbox
) -> None:
    """Only PostHog knows who is in one, and the files know them by the name."""
    ids = [sandbox.call("POST", "cohorts/", {"name": "Twins", "is_static": True})["id"] for _ in range(2)]
    _identify(sandbox, "inst-twin", {})
    [person] = sandbox.call("GET", "persons/?distinct_id=inst-twin")["results"]
    put = [f"cohorts/{id_}/add_persons_to_static_cohort/" for id_ in ids]
    (root / "cohorts" / "twins.yaml").write_text("key: twins\nname: Twins\nis_static: true\n")
    try:
        assert who("inst-twin").exit_code == 0, "in none of them"
        sandbox.call("PATCH", put[0], {"person_ids": [person["uuid"]]})
        done, given = who("inst-twin"), who("inst-twin", "--cohort", "twins")
        sandbox.call("PATCH", put[1], {"person_ids": [person["uuid"]]})
        both = who("inst-twin")
    finally:
        (root / "cohorts" / "twins.yaml").unlink()
    assert (done.exit_code, given.exit_code, both.exit_code) == (1, 0, 0)
    assert done.stderr == (
        f"PostHog has 2 cohorts of the name of cohort/twins ({ids[0]}, {ids[1]}), and inst-twin is in some of them: "
        "give them names of their own, or say --cohort twins if it is in that one\n"
    )
    assert "  in twins" in both.stdout.splitlines()


def test_what_somebody_switched_off_stays_off_under_the_files(
    who: Who, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "ai-max-daily-tokens"
    [made] = [each for each in sandbox.call("GET", "feature_flags/")["results"] if each["key"] == key]
    applied = manifest(load(root, "production").resources, {})
    resource = Resource(Ref("flag", key), str(made["id"]), {"key": key})
    state = State({resource.ref: resource}, manifest={str(resource.ref): applied[str(resource.ref)]})
    monkeypatch.setattr("ai_admin.review.stack.read", lambda *_: state)
    sandbox.call("PATCH", f"feature_flags/{made['id']}/", {"active": False})
    broken, file = root / "flags" / "broken.yaml", root / "flags" / f"{key}.yaml"
    written = file.read_text()
    try:
        file.write_text(f"{written}active: false\n")
        both_off = who("inst-1").stdout
        file.write_text(written)
        row, lines = flags(who("inst-1", "--json"))[key], who("inst-1").stdout.splitlines()
        broken.write_text("key: [")
        beside = flags(who("inst-1", "--json"), 3)[key]
        broken.unlink()
        monkeypatch.setattr("ai_admin.review.stack.read", lambda *_: State())
        fresh = flags(who("inst-1", "--json"))[key]
        monkeypatch.setattr("ai_admin.review.stack.read", _unreadable)
        unknown, told = flags(who("inst-1", "--json"))[key], who("inst-1").stdout
    finally:
        broken.unlink(missing_ok=True)
        file.write_text(written)
        sandbox.call("PATCH", f"feature_flags/{made['id']}/", {"active": True})
    assert re.search(rf"{key} +false: the flag is off$", both_off, re.MULTILINE)
    assert (row["differs"], row["stays_off"]) == (False, True)
    [at] = [n for n, line in enumerate(lines) if key in line]
    assert lines[at].endswith("now: off, and stays off under the files, as somebody switched it off in PostHog")
    assert lines[at + 1].strip().startswith(f"if it were on: {row['files']['value']}")
    assert beside == row, "a colleague's broken file changes nothing about it"
    assert (fresh["differs"], fresh["stays_off"]) == (True, False), "it was never applied on"
    assert (unknown["differs"], unknown["stays_off"]) == (None, None)
    assert f"? {key}" in told
    assert "now: off, and whether it stays off under the files is not known" in told


def _unreadable(*_: object) -> State:
    raise UnreadableState("no passphrase")


def test_a_key_without_the_scopes_is_told_so(who: Who, sandbox: Sandbox) -> None:
    key = sandbox.key(["feature_flag:read"])
    done = who("inst-1", key=key)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "PostHog can't be asked about inst-1 in stack production" in done.stderr
    assert "project:read" in done.stderr


def test_without_a_key_nothing_is_asked_and_offline_needs_none(who: Who, sandbox: Sandbox) -> None:
    sandbox.requests()
    missing = who("inst-1", key="")
    assert missing.exit_code == 2
    assert "the scopes project:read, person:read, cohort:read and feature_flag:read" in missing.stderr
    done = who("inst-1", "--offline", "--property", "channel=internal", key="")
    assert done.exit_code == 0
    assert 'internal with 5000000 by "Internal installations"' in done.stdout
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--property", "verson=1"), 'the catalogue knows no property "verson": did you mean version?'),
        (("--property", "version"), 'write --property version=VALUE instead of "version"'),
        (("--cohort", "beta-instalations"), 'there is no cohort "beta-instalations": did you mean beta-installations?'),
    ],
)
def test_wrong_use(who: Who, arguments: tuple[str, ...], said: str) -> None:
    done = who("inst-1", "--offline", *arguments)
    assert (done.exit_code, said in done.stderr) == (2, True)
