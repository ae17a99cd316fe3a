"""Whatever a file holds, something is said about it, and in no traceback. A share of the campaign's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions.explain import MOST
from tests.campaigns.check_fuzzed import damaged, definitions, prepare
from tests.unit.definitions.checkouts import Checkout


def test_damaged_definitions_are_explained(tmp_path: Path) -> None:
    prepare(tmp_path)
    whole = definitions()
    assert [said for seed in range(60) if (said := damaged(tmp_path, whole, seed))] == []


def _insight(query: str) -> str:
    return f"key: d\nname: D\ntiles: [{{insight: {{key: i, name: I, {query}}}}}]\n"


def _alert(notify: str) -> str:
    rest = "name: A\ninsight: runs\ncondition: absolute_value\nthreshold: {upper: 1}\n"
    return f"key: a\n{rest}notify: {notify}\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dashboards/d.yaml", _insight(f'sql: {{query: "{"/*" * 250_000}"}}')),
        ("dashboards/d.yaml", _insight(f'sql: {{query: "{"/**/" * 200}"}}')),
        ("dashboards/d.yaml", _insight(f'sql: {{query: "select {"a." * 250_000}"}}')),
        ("dashboards/d.yaml", _insight(f'sql: {{query: "{" " * 500_000}"}}')),
        ("dashboards/d.yaml", _insight(f"trends: {{series: [{{event: ai_used}}], formula: {'A+' * 250_000}A}}")),
        ("dashboards/d.yaml", _insight(f"trends: {{series: [{{event: {'e' * 500_000}}}]}}")),
        ("dashboards/d.yaml", _insight(f"{'trends' * 80_000}: {{}}")),
        ("alerts/a.yaml", _alert(f'{{email: ["a@{"a." * 250_000} "]}}')),
        ("alerts/a.yaml", _alert(f'{{webhook: {{url: "https://{"a@" * 250_000}"}}}}')),
        ("flags/f.yaml", f"key: f\nrelease_conditions: [{'{cohort: c}, ' * 10_000}]\n"),
        ("flags/f.yaml", "key: f\nrelease_conditions:\n" + "".join(f"- {{cohort: c{n}}}\n" for n in range(5_000))),
        ("flags/f.yaml", "key: f\nrelease_conditions:\n" + "".join(f"- {{chort: c{n}}}\n" for n in range(5_000))),
        ("events/e.yaml", f"key: e\nproperties: {{{'a' * 900_000}"),
    ],
    ids=lambda value: value[:60],
)
def test_a_file_of_any_length_is_checked_and_told_briefly(checkout: Checkout, path: str, text: str) -> None:
    """A careless pattern or comparison would take hours here."""
    checkout.write(path, text)
    problems = checkout.problems()
    assert len(problems) <= 2 * (MOST + 1)
    assert all(len(problem) < 3000 for problem in problems)
