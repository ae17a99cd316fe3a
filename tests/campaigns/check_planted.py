"""Plants faults in good definitions and looks what `ai-admin check` says: ``python -m tests.campaigns.check_planted``.

A schema is broken in one place and a rule in another, at random; both must be reported, and nothing else.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from pathlib import Path
from random import Random

from ai_admin.definitions import Problem, load
from tests.campaigns.planted import FILES, RULES, STACKS, Files, Rule, break_schema, independent, places, written

Place = tuple[str | int, ...]
Span = dict[Place, tuple[int, int]]
Spans = dict[str, Span]


def prepare(root: Path) -> None:
    """Make a checkout without definitions."""
    (root / "Pulumi.yaml").write_text("name: planted\n")
    for stack in STACKS:
        (root / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    for file in FILES:
        (root / file).parent.mkdir(exist_ok=True)


def check(root: Path, files: Files) -> tuple[list[Problem], Spans]:
    """Return the problems of definitions, and where each of their values stands."""
    spans: Spans = {}
    for file, value in files.items():
        text, spans[file] = written(value)
        (root / file).write_text(text)
    return list(load(root).problems), spans


def planted(root: Path, seed: int) -> str:
    """Plant two faults and return what is wrong with what is then reported; empty when all is well."""
    random = Random(seed)
    name = random.choice(list(RULES))
    rule = RULES[name]
    files = _with(rule)
    while True:
        file = random.choice(list(FILES))
        broken = break_schema(files, file, random.choice(list(places(FILES[file]))), random)
        if broken is not None and independent(rule, file, broken[1]):
            break
    problems, spans = check(root, broken[0])
    of_rule = [each for each in problems if _is(each, rule, spans)]
    of_schema = [each for each in problems if each not in of_rule and _at(each, file, broken[1], spans[file])]
    others = [each for each in problems if each not in of_rule and each not in of_schema]
    wrong = ["the rule is not said once"] * (len(of_rule) != 1) + ["the schema is not said"] * (not of_schema)
    if not wrong and not others:
        return ""
    return "\n".join([f"seed {seed}: {name}, and {file} {list(broken[1])} ", *wrong, *map(str, problems)])


def only_the_rule(root: Path, rule: Rule) -> str:
    """Break a rule and nothing else, and return what is said instead of it; empty when all is well."""
    problems, spans = check(root, _with(rule))
    wrong = len(problems) != 1 or not _is(problems[0], rule, spans)
    return "\n".join(["expected:", rule.says, "found:", *map(str, problems)]) if wrong else ""


def _with(rule: Rule) -> Files:
    files = {**FILES, rule.file: copy.deepcopy(FILES[rule.file])}
    rule.plant(files[rule.file])
    return files


def _is(problem: Problem, rule: Rule, spans: Spans) -> bool:
    first, last = spans[rule.file][rule.at]
    return (
        problem.message.startswith(rule.says)
        and problem.source.path == rule.file
        and first <= problem.source.line <= last
    )


def _at(problem: Problem, file: str, place: Place, spans: Span) -> bool:
    """Whether a problem is about a broken place; one that is gone leaves its name behind, or what it stood in."""
    if problem.source.path != file:
        return False
    if place in spans:
        first, last = spans[place]
        return first <= problem.source.line <= last
    misspelt = (*place[:-1], str(place[-1])[:-1])
    lines = (spans[place[:-1]][0], spans.get(misspelt, (0, 0))[0])
    return problem.source.line in lines


def main() -> None:
    """Plant as many faults as are asked for; exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root)
        wrong = [said for seed in range(given.seed, given.seed + given.count) if (said := planted(root, seed))]
    print("\n\n".join([*wrong, f"{given.count} pairs of faults: {len(wrong)} not as they should be"]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
