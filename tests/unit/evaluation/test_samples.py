"""The samples' own tests: all pass, and they reach every condition and variant in every stack."""

from __future__ import annotations

from ai_admin.definitions.check import check
from ai_admin.evaluation import resources, run, served
from tests.support.checkouts import SAMPLES


def test_the_samples_pass_and_nothing_is_unreached() -> None:
    indexes = {stack: index for stack, index in check(SAMPLES).indexes.items() if stack is not None}
    report = run(indexes, {stack: served(resources(index)) for stack, index in indexes.items()})
    assert {each.stack for each in report.outcomes} == {"sandbox", "staging", "production"}
    assert [(each.case.name, each.failure) for each in report.failed] == []
    assert (report.unreached, report.off) == ([], {})
