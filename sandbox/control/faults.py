"""Faults that a run may be given: rules that say which requests are struck by what, drawn from a seed.

A rule's n-th match is struck or not by a draw that depends on the seed, the rule's place in the list and n alone: the
same seed, rules and sequence of requests give the same faults again. `strikes.py` has what the kinds do.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.control.past import Past
from sandbox.control.strikes import KINDS
from sandbox.storage.store import Store

FILTERS: dict[str, Any] = {"methods": None, "path": "", "probability": 1.0, "nth": None, "times": None}


@dataclass(frozen=True)
class Strike:
    """A fault that strikes a request: the rule's number, its kind, and the kind's options as drawn."""

    rule: int
    kind: str
    options: Mapping[str, Any]

    def shown(self) -> dict[str, Any]:
        """As the request log shows it."""
        return {"rule": self.rule, "kind": self.kind, **self.options}


@dataclass
class Rule:
    """One line of the plan.

    Attributes:
        kind: what happens, a name in `strikes.KINDS`; options: its options, complete.
        methods: upper case, None for all. path: a regular expression, searched in path and query.
        probability: of a match being struck. nth: only these matches (1 is the first), None for all.
        times: at most so many strikes, None for any number.
        matches, strikes: how often it matched and struck so far.
    """

    kind: str
    options: dict[str, Any]
    methods: frozenset[str] | None = None
    path: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    probability: float = 1.0
    nth: frozenset[int] | None = None
    times: int | None = None
    matches: int = 0
    strikes: int = 0

    def shown(self) -> dict[str, Any]:
        sets = {name: value and sorted(value) for name, value in (("methods", self.methods), ("nth", self.nth))}
        shown = {**vars(self), **sets, "path": self.path.pattern, **self.options}
        del shown["options"]
        return shown


class Plan:
    """The rules of a run. Without rules nothing is ever struck."""

    def __init__(self) -> None:
        self.seed = 0
        self.rules: list[Rule] = []
        self.past: Past | None = None  # kept while a rule asks for stale reads

    def change(self, values: Any, store: Store) -> None:
        """Set `seed` and `rules` as given; the counts start anew, so a change is the start of a replay.

        Raises:
            ValueError: with a sentence that says what is wrong; the plan stays as it was.
        """
        if not isinstance(values, dict):
            raise ValueError("a plan is an object with seed and rules")
        unknown = sorted(set(values) - {"seed", "rules"})
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}; a plan has seed and rules")
        seed = values.get("seed", self.seed)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError("seed must be an integer")
        sent = values.get("rules", [_written(rule) for rule in self.rules])
        if not isinstance(sent, list):
            raise ValueError("rules must be a list")
        rules = [_rule(number, each) for number, each in enumerate(sent)]
        self.seed, self.rules = seed, rules
        if self.past is not None:
            self.past.close()
        self.past = Past(store) if any(rule.kind == "stale" for rule in rules) else None

    def shown(self) -> dict[str, Any]:
        return {"seed": self.seed, "rules": [rule.shown() for rule in self.rules]}

    def draw(self, method: str, path: str) -> list[Strike]:
        """What strikes this request, in the order of the rules; counts it."""
        found = []
        for number, rule in enumerate(self.rules):
            if (rule.methods and method not in rule.methods) or not rule.path.search(path):
                continue
            rule.matches += 1
            if (rule.nth and rule.matches not in rule.nth) or (rule.times is not None and rule.strikes >= rule.times):
                continue
            luck = random.Random(f"{self.seed}/{number}/{rule.matches}")
            if luck.random() < rule.probability and self._possible(rule, method):
                rule.strikes += 1
                found.append(Strike(number, rule.kind, KINDS[rule.kind].drawn(rule.options, luck)))
        return found

    def _possible(self, rule: Rule, method: str) -> bool:
        """Only a GET can be stale, and only when something has been written lately."""
        if rule.kind != "stale":
            return True
        return method == "GET" and self.past is not None and self.past.shows(rule.options["seconds"])


def _written(rule: Rule) -> dict[str, Any]:
    return {name: value for name, value in rule.shown().items() if name not in ("matches", "strikes")}


def _rule(number: int, sent: Any) -> Rule:
    """A rule from JSON. Raises ValueError."""
    where = f"rules[{number}]"
    if not isinstance(sent, dict) or sent.get("kind") not in KINDS:
        raise ValueError(f"{where}: kind must be one of {', '.join(KINDS)}")
    kind = KINDS[sent["kind"]]
    known = {"kind", *FILTERS, *kind.options}
    if unknown := sorted(set(sent) - known):
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; {sent['kind']} takes {', '.join(sorted(known))}")
    options = {name: _number(f"{where}.{name}", sent.get(name, default)) for name, default in kind.options.items()}
    values = {name: sent.get(name, default) for name, default in FILTERS.items()}
    nth = values["nth"]
    try:
        pattern = re.compile(values["path"])
    except (re.error, TypeError) as error:
        raise ValueError(f"{where}.path: no regular expression: {error}") from error
    return Rule(
        kind=sent["kind"],
        options=options,
        methods=_methods(f"{where}.methods", values["methods"]),
        path=pattern,
        probability=_number(f"{where}.probability", values["probability"]),
        nth=None if nth is None else _counts(f"{where}.nth", nth if isinstance(nth, list) else [nth]),
        times=None if values["times"] is None else min(_counts(f"{where}.times", [values["times"]])),
    )


def _methods(where: str, value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{where} must be a list of HTTP methods")
    return frozenset(each.upper() for each in value)


def _number(where: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{where} must be a number that is not negative")
    return value


def _counts(where: str, values: list[Any]) -> frozenset[int]:
    if not values or not all(type(each) is int and each > 0 for each in values):
        raise ValueError(f"{where} must be a whole number above zero")
    return frozenset(values)
