"""Definitions for a Pulumi program: all of a stack's resources, or all problems."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path as FilePath

from ai_admin.definitions.catalog import values_of_persons
from ai_admin.definitions.check import check
from ai_admin.definitions.files import kind_at
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.model import Definition, Definitions
from ai_admin.definitions.off_files import off_by_file
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import refs


def load(root: FilePath, stack: str | None = None, partly: bool = False, placed: bool = True) -> Definitions:
    """Return every resource of a stack's definitions, or all their problems.

    Args:
        root: the checkout, the folder with ``Pulumi.yaml``.
        stack: the stack whose patches apply; None for the definitions as written.
        partly: where there are problems, return as well the resources of the files that have none in this stack, to
            look at and not to apply. They may refer to what is missing.
        placed: whether it matters on which dashboards an insight is: then there are no insights, partly, while the
            file of a dashboard is broken.

    The problems are those of every stack, the same that ``ai-admin check`` prints; with problems there are else no
    resources, so that nothing is ever applied in part, except flags that their own, valid files switch off. Never
    raises for anything that a file can contain.

    Raises :class:`ai_admin.definitions.schemas.SchemaError` when the checkout's own schemas are broken.
    """
    checked = check(root, (stack,) if stack is not None else ())
    if checked.problems and not partly:
        return Definitions((), checked.problems, tuple(off_by_file(checked, root, stack)))
    here = [each for each in checked.problems if stack is None or not each.stacks or stack in each.stacks]
    broken = {each.source.path for each in here}
    index = checked.indexes[stack]
    whole = [unit for unit in index.units if unit.view.document.path not in broken]
    if placed and any(kind_at(path) == "dashboard" for path in broken):  # which may show any insight, as that then says
        whole = [unit for unit in whole if unit.kind != "insight"]
    resources = (resource for unit in whole for resource in FORMS[unit.kind].expand(unit, index))
    return Definitions(_in_order(resources), checked.problems, values=values_of_persons(index))


def _in_order(resources: Iterable[Definition]) -> tuple[Definition, ...]:
    """Return resources with every referenced one before those that refer to it, else by kind and key.

    A reference to nothing does not count. Raises graphlib.CycleError, which the checks exclude.
    """
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    by_name = {Ref(each.kind, each.key): each for each in resources}
    names = sorted(by_name, key=lambda ref: (ranks[ref.kind], ref.key))
    first = {
        name: {*refs(each.properties), *KINDS[each.kind].first(each.properties)} & by_name.keys()
        for name, each in by_name.items()
    }
    graph = TopologicalSorter({name: sorted(first[name], key=str) for name in names})
    return tuple(by_name[name] for name in graph.static_order())
