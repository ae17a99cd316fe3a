"""Experiments that PostHog can run: metrics that it can compute, on a flag that has what they compare."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.rules.variants import variant_keys
from ai_admin.definitions.spelling import listed, suggestion
from ai_admin.definitions.trees import WITH_METRICS, metrics
from ai_admin.definitions.unreadable import at, is_readable

BASELINE = "control"
_PERCENTILES = ("lower_bound_percentile", "upper_bound_percentile")


@rule("experiment")
def names_differ(unit: Unit, _: Index) -> Iterator[Finding]:
    """No two metrics have the same name, by which a metric keeps its results when others change."""
    there: set[str] = set()
    for path, metric in metrics(unit):
        name = metric.get("name")
        if isinstance(name, str):
            if name in there:
                yield Finding((*path, "name"), f'a metric is called "{name}" already', "choose another name")
            there.add(name)


@rule(*WITH_METRICS)
def computable(unit: Unit, _: Index) -> Iterator[Finding]:
    """Nothing in a metric excludes another thing in it."""
    for path, metric in metrics(unit):
        if "threshold" in metric:
            math = at(metric, "source", "math", default="total")
            if isinstance(math, str) and math not in ("total", "sum"):
                message = f"a threshold means nothing for the math {math}"
                yield Finding((*path, "source", "math"), message, "write total or sum, or remove threshold")
            for name in _PERCENTILES:
                if name in metric:
                    message = "with a threshold an installation reaches it or not, so there are no percentiles"
                    yield Finding((*path, name), message, f"remove {name}, or threshold", None, True)
        start, end = metric.get("retention_window_start"), metric.get("retention_window_end")
        if isinstance(start, int) and isinstance(end, int) and end < start:
            yield Finding((*path, "retention_window_end"), f"{end} is before {start}", f"write {start} or more")


@rule("experiment", sees=("flag",))
def flag_has_variants(unit: Unit, index: Index) -> Iterator[Finding]:
    """The flag has two variants or more, and the one that the others are compared with."""
    flag = index.find("flag", unit.value.get("flag"))
    keys = variant_keys(flag) if flag else None
    if flag is None or keys is None:
        return
    if len(keys) < 2 or BASELINE not in keys:
        has = f"only {listed(keys, 'and')}" if keys else "no variants"
        message = f'the flag "{flag.key}" has {has}; an experiment compares two variants or more, one called {BASELINE}'
        yield Finding(("flag",), message, f"give the flag a variant {BASELINE} and another one")
        return
    baseline = at(unit.value, "stats_config", "baseline_variant_key", default=BASELINE)
    if isinstance(baseline, str) and baseline not in keys:
        path = ("stats_config", "baseline_variant_key")
        fix = suggestion(baseline, keys, f"write {BASELINE}")
        yield Finding(path, f'the flag "{flag.key}" has no variant "{baseline}"', fix)


@rule("experiment", sees=("flag",))
def compares_what_is_left(unit: Unit, index: Index) -> Iterator[Finding]:
    """An excluded variant exists and is not the baseline, and another one remains to compare with that."""
    flag = index.find("flag", unit.value.get("flag"))
    keys = variant_keys(flag) if flag else None
    excluded = unit.value.get("excluded_variants") or []
    if flag is None or not keys or not is_readable(excluded, *excluded):
        return
    baseline = at(unit.value, "stats_config", "baseline_variant_key", default=BASELINE)
    for n, key in enumerate(excluded):
        path = ("excluded_variants", n)
        if key == baseline:
            message = f'"{key}" is what the others are compared with, and cannot be excluded'
            yield Finding(path, message, "remove it, or write another baseline_variant_key into stats_config")
        elif key not in keys:
            fix = suggestion(key, [each for each in keys if each != baseline], "remove it")
            yield Finding(path, f'the flag "{flag.key}" has no variant "{key}"', fix)
    if excluded and not set(keys) - {*excluded, baseline}:
        message = f"every variant but {baseline} is excluded, so that there is nothing to compare it with"
        yield Finding(("excluded_variants",), message, "remove one of them", None, True)


@rule("experiment", sees=("flag",))
def runs_on_a_flag_that_is_on(unit: Unit, index: Index) -> Iterator[Finding]:
    """Where an experiment is to run and its flag is off, a note says what that means.

    It is no problem: a flag may be switched off at any time.
    """
    flag = index.find("flag", unit.value.get("flag"))
    running = isinstance(unit.value.get("start_date"), str) and "end_date" not in unit.value
    if flag is not None and running and flag.value.get("active") is False:
        message = f'its flag "{flag.key}" is off: nobody comes into the experiment, and a draft would not be started'
        yield Finding(("start_date",), message, "switch the flag on, or add end_date", None, True, note=True)


@rule("experiment", sees=("flag", "holdout"))
def leaves_the_holdout_to_posthog(unit: Unit, index: Index) -> Iterator[Finding]:
    """The flag of an experiment with a holdout does not set its holdout: PostHog writes it there."""
    flag = index.find("flag", unit.value.get("flag"))
    there = index.find("holdout", unit.value.get("holdout")) is not None
    if flag is not None and there and "holdout" not in (flag.value.get("unmanaged") or ()):
        message = f'PostHog writes the holdout into the flag "{flag.key}", and the next run would take it out again'
        yield Finding(("holdout",), message, f"write unmanaged: [holdout] into {flag.view.document.path}", None, True)
