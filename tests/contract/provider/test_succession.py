"""What goes for something else that takes its place, told by what the sandbox holds before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.safety.applied import manifest
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.succession import Succession
from providers.posthog.usage import GUARDED
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.sandbox import Sandbox


def definition(kind: str, key: str, **properties: Any) -> Definition:
    return Definition(kind, key, KINDS[kind].canonical(properties), Source(f"files/{key}.yaml", 1, 1))


def succession(
    sandbox: Sandbox, id_: str, old: Definition, *new: Definition, known: Mapping[str, Any] = MappingProxyType({})
) -> Succession:
    """What a run does that finds ``old`` applied, with this id, and is to apply ``new``; ``known`` stays as it was."""
    client = Client(Connection(sandbox.url, sandbox.project_id, sandbox.organization_id, sandbox.api_key))
    before = {name: {**entry, "id": id_} for name, entry in manifest([old], {}).items()}
    sandbox.requests()
    return Succession(client, {**before, **known}, {**manifest(new, before), **known}, new)


DISTINCT = ("action", "saved_metric", "survey")


@pytest.mark.parametrize("kind", DISTINCT)
def test_another_key_alone_is_refused_while_posthog_has_the_name(sandbox: Sandbox, runs: Runs, kind: str) -> None:
    """D4: PostHog would refuse the new one, and the old one would be deleted."""
    name = f"Kept {kind}"
    applied = Applied(runs, kind, SAMPLES[kind].least(name))
    old, new = (definition(kind, key, name=name) for key in ("old", "new"))
    changed = definition(kind, "new", name=name, description="Another.")
    for each in (new, changed):
        assert list(succession(sandbox, applied.id, old, each).namesakes()) == [
            f"files/new.yaml:1:1: {kind}/new: the {KINDS[kind].words} {name!r} is {kind}/old's already; if the key was "
            f"changed, write `renamed_from: old`; else choose another name, or remove {kind}/old in a run before"
        ]
    assert list(succession(sandbox, applied.id, old, definition(kind, "new", name="Another")).namesakes()) == []
    runs.sandbox.call("DELETE" if not KINDS[kind].soft_delete else "PATCH", applied.path, {"deleted": True})
    assert list(succession(sandbox, applied.id, old, new).namesakes()) == [], "who has deleted it by hand may go on"


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.same_by])
def test_another_key_alone_is_refused_where_the_object_would_lose_something(
    sandbox: Sandbox, runs: Runs, kind: str
) -> None:
    """D4: who opted in to a feature, an experiment's results, what others refer to."""
    samples, called = SAMPLES[kind], f"lost-{kind}"
    small = {**samples.least(called), **samples.before(sandbox, called)}
    id_, same = Applied(runs, kind, small).id, {name: small[name] for name in KINDS[kind].same_by}
    known = {"flag/of": {"id": same["flag"]}} if "flag" in same else {}
    same |= {"flag": Ref("flag", "of")} if known else {}
    old, new = (definition(kind, key, **same) for key in ("old", "new"))
    other = definition(kind, "new", **{**same, KINDS[kind].same_by[0]: "another"})
    [line] = succession(sandbox, id_, old, new, known=known).namesakes()
    object_ = f"{KINDS[kind].words} {'of flag/of' if KINDS[kind].same_by == ('flag',) else repr(called)}"
    assert line.startswith(f"files/new.yaml:1:1: {kind}/new: the {object_} is {kind}/old's already; ")
    assert "write `renamed_from: old`" in line
    assert list(succession(sandbox, id_, old, other, known=known).namesakes()) == []


def test_nothing_is_asked_where_nothing_goes_for_another(sandbox: Sandbox) -> None:
    old, other = (definition("survey", key, name=key) for key in ("old", "other"))
    for new in ([old], [old, other], []):
        asked = succession(sandbox, "1", old, *new)
        assert (list(asked.namesakes()), asked.replaced(GUARDED)) == ([], set())
    assert sandbox.requests() == []


def test_a_variable_of_another_type_is_replaced(sandbox: Sandbox) -> None:
    made = sandbox.call("POST", "insight_variables/", {"name": "Limit", "type": "String"})
    old = definition("insight_variable", "limit", name="Limit", type="String")
    more = definition("insight_variable", "limit", name="Limit", type="String", default_value="10")
    other = definition("insight_variable", "limit", name="Limit", type="Number")
    assert succession(sandbox, made["id"], old, more).replaced(GUARDED) == set()
    assert succession(sandbox, made["id"], old, other).replaced(GUARDED) == {"insight_variable/limit"}
