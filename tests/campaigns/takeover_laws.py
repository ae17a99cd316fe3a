"""The take-over law: whatever project somebody made through PostHog's API, `ai-admin pull --all` into an empty checkout
writes files that pass every check, that say what PostHog holds, and whose next plan adopts and sends nothing. A second
project that joins these files (`--join`) changes nothing of the first one.

`python -m tests.campaigns.takeover_laws [--cases N] [--seed N]` takes over 200 random projects.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ai_admin.definitions import load
from ai_admin.definitions.saving import save
from ai_admin.review.changes import Action, Warnings, outlook
from ai_admin.review.comparison import Comparison
from ai_admin.review.live import Project
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State
from ai_admin.review.takeover import TakeOver, take_over
from ai_admin.run import plan as plan_run
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.session import Session
from providers.posthog.settings import Settings
from tests.campaigns.cases import parser, run, say
from tests.campaigns.strangers import Stranger, project_of
from tests.support.sandbox import Sandbox, running_sandbox

STACK = "production"


def checkout(folder: Path) -> Path:
    """Return an empty checkout with one stack."""
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: ai-admin\n")
    (folder / f"Pulumi.{STACK}.yaml").write_text("config: {}\n")
    return folder


def compare(sandbox: Sandbox, root: Path, state: State | None = None, stack: str = STACK) -> Comparison:
    """Return the comparison of a checkout with a project as it is now."""
    loaded = load(root, stack)
    assert not loaded.problems, [*map(str, loaded.problems)]
    project = Project(Client(resolve(Settings({}, sandbox.environ))))
    return Comparison(project, loaded.resources, state or State(), {})


def taken_over(sandbox: Sandbox, root: Path, stack: str = STACK, join: bool = False) -> TakeOver:
    """Take a project over into a checkout."""
    result = take_over(root, stack, compare(sandbox, root, stack=stack), join)
    save(root, result.texts, result.joined)
    return result


def planned(sandbox: Sandbox, root: Path) -> list[str]:
    """Return what the next `up` would do but to adopt what is as its file says."""
    reviewed, warnings = Reviewed(root, STACK, Settings({}, sandbox.environ), State), Warnings()
    ours = reviewed.run(warnings, {})
    decided = plan_run(ours)
    found = outlook(ours, decided, State(), Session(warnings), warnings)
    unmet = {f"property/{each.ref.key}" for each in found.changes if each.ref.kind == "property" and not each.live}
    return [
        *decided.refused,
        *(
            f"{each.action} {each.ref}: {[field.name for field in each.fields]} {each.refused}"
            for each in found.changes
            if str(each.ref) not in unmet and (each.action is not Action.ADOPT or each.fields or each.refused)
        ),
    ]


def case(project: Sandbox, chance: random.Random, folder: Path, most: int) -> Counter[str]:
    """Take one random project over; raises AssertionError where the law is broken."""
    Stranger(project, chance).make_project(most)
    root = checkout(folder)
    project.requests()
    result = taken_over(project, root)
    comparison = compare(project, root)
    differing = [(str(each.ref), [f.name for f in each.fields], each.unclear) for each in comparison.differences()]
    assert not differing, differing
    left = {(each.kind, each.id) for each in result.left}
    lost = [each for each in comparison.unowned() if (each.kind.name, each.id) not in left]
    assert all(each.kind.name == "notification" for each in lost), lost
    assert not (found := planned(project, root)), found
    assert not project.writes()
    assert not taken_over(project, root).texts, "a second time there is nothing new"
    counts = Counter(kind.words for kind in KINDS.values() for ref in comparison.ids if ref.kind == kind.name)
    figures = {"left to PostHog": len(left), "left in part": len(result.partly), "files": len(result.texts)}
    return counts + Counter(figures)


def joining(projects: tuple[Sandbox, Sandbox], seeds: tuple[str, str], folder: Path, most: int) -> Counter[str]:
    """Take over two random projects, of which the second joins the files of the first one.

    Raises AssertionError where something differs from PostHog then, or the first project's definitions changed.
    """
    root = checkout(folder)
    (root / "Pulumi.staging.yaml").write_text("config: {}\n")
    for project, seed in zip(projects, seeds, strict=True):
        Stranger(project, random.Random(seed)).make_project(most)
    first, second = projects
    taken_over(first, root)
    before = _defined(root)
    result = taken_over(second, root, "staging", join=True)
    assert _defined(root) == before
    comparison = compare(second, root, stack="staging")
    differing = [(str(each.ref), [f.name for f in each.fields], each.unclear) for each in comparison.differences()]
    assert not differing, differing
    left = {(each.kind, each.id) for each in result.left}
    lost = [each for each in comparison.unowned() if (each.kind.name, each.id) not in left]
    assert all(each.kind.name == "notification" for each in lost), lost
    assert not [each for each in result.left if each.file]
    return Counter({"files for both stacks": len(result.joined)})


def _defined(root: Path) -> dict[Ref, Properties]:
    return {Ref(each.kind, each.key): each.properties for each in load(root, STACK).resources}


def law(project: Sandbox, chance: random.Random, folder: Path) -> Counter[str]:
    """Take over a random project, and of each fifth time two more of which the second joins the first one's files."""
    counts = case(project, chance, folder, 4)
    if chance.random() < 0.2:
        one = str(chance.random())
        other = one if chance.random() < 0.5 else f"{one} too"
        pair = (project_of(project), project_of(project))
        counts += joining(pair, (one, other), folder.with_name(f"{folder.name}-joined"), 3)
    return counts


def main(name: str, description: str, law_of: Callable[[Sandbox, random.Random, Path], Counter[str]]) -> int:
    """Run a campaign over projects; the first case that fails ends it with an error."""
    asked, start = parser(description, 200).parse_args(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data") as sandbox:

        def one(chance: random.Random, number: int) -> Counter[str]:
            project = project_of(sandbox) if number else sandbox  # this one has a Slack workspace
            return law_of(project, chance, Path(folder) / str(number))

        say(f"{asked.cases} projects", run(name, asked.cases, asked.seed, one), start)
    return 0


if __name__ == "__main__":
    sys.exit(main("takeover", "Random projects taken over into empty checkouts.", law))
