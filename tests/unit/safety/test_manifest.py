"""What is recorded as applied is what the engine says stands, and not what the files say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ai_admin import manifest as manifests
from ai_admin.definitions import Definition, Source
from ai_admin.run import Plan
from ai_admin.safety.applied import Manifest, manifest
from providers.posthog import outputs
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import UNKEPT
from providers.posthog.matching import as_mappings
from providers.posthog.settings import Settings

HERE = Source("x.yaml", 1, 1)


class Output:
    def __init__(self, value: Any) -> None:
        self._value = value

    async def future(self) -> Any:
        return self._value


class Resource:
    """A registered resource, of which the engine says this."""

    def __init__(self, kind: str, id_: str | None, properties: Mapping[str, Any]) -> None:
        self.id = Output(id_)
        for name, value in as_mappings(kind, properties).items():
            setattr(self, name, Output(value))


def made(kind: str, called: str, /, **properties: Any) -> Definition:
    return Definition(kind, called, KINDS[kind].canonical(properties), HERE)


def beta(*values: str) -> Definition:
    leaf = {"type": "person", "key": "channel", "value": list(values), "operator": "exact"}
    filters = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
    return made("cohort", "beta", name="Beta", filters=filters)


def on_beta(share: int, **properties: Any) -> Definition:
    leaf = {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "beta")}
    conditions = [{"properties": [leaf], "rollout_percentage": share}]
    return made("flag", "f", key="f", release_conditions=conditions, **properties)


def with_id(definition: Definition) -> dict[str, Any]:
    """Return properties as the engine has them, with an id in the place of the reference."""
    text = {**definition.properties}
    if definition.kind == "flag":
        [condition] = definition.properties["release_conditions"]
        text["release_conditions"] = [{**condition, "properties": [{**condition["properties"][0], "value": 7}]}]
    return text


BEFORE = [beta("beta"), on_beta(10)]
AFTER = [beta("beta", "stable"), on_beta(20)]


def recorded(before: Manifest, after: list[Definition], stands: list[Definition], **more: Any) -> Manifest:
    resources = {Ref(each.kind, each.key): Resource(each.kind, "7", {**with_id(each), **more}) for each in stands}
    return through(before, after, resources)


def through(before: Manifest, definitions: list[Definition], resources: Mapping[Ref, Any]) -> Manifest:
    after = manifest(definitions, before)
    found = asyncio.run(outputs.outcomes(resources, manifests.in_question(before, after)))
    return manifests.applied(before, after, definitions, found, (), "2026-11-27T12:00:00+00:00")


def applied(definitions: list[Definition]) -> dict[str, Any]:
    return {name: {**entry, "id": "7"} for name, entry in manifest(definitions, {}).items()}


def test_what_the_engine_left_alone_keeps_its_entry() -> None:
    """`--target` of the flag leaves the cohort as it was, whose change the next run is to ask about."""
    then, now = applied(BEFORE), applied(AFTER)
    assert recorded(then, AFTER, AFTER) == now
    assert recorded(then, AFTER, [BEFORE[0], AFTER[1]]) == {"cohort/beta": then["cohort/beta"], "flag/f": now["flag/f"]}
    assert recorded(then, AFTER, [AFTER[0], BEFORE[1]]) == {"cohort/beta": now["cohort/beta"], "flag/f": then["flag/f"]}
    assert recorded({}, AFTER, AFTER) == now


def test_a_flag_that_is_held_off_is_not_recorded_as_changed() -> None:
    """The definition is as it was applied last; what else changed in it was not sent."""
    then = applied(BEFORE)
    held = [BEFORE[0], on_beta(10, active=False)]
    assert recorded(then, [BEFORE[0], on_beta(20)], held)["flag/f"] == then["flag/f"]


def test_a_reference_by_an_id_that_is_text_is_none_the_less_the_same() -> None:
    """PostHog keeps property keys as text, also where the key is another flag's id."""

    def after_g(key: Any) -> Definition:
        leaf = {"type": "flag", "key": key, "operator": "flag_evaluates_to", "value": True}
        return made("flag", "f", key="f", release_conditions=[{"properties": [leaf], "rollout_percentage": 5}])

    g, f = made("flag", "g", key="g"), after_g(Ref("flag", "g"))
    resources = {
        Ref("flag", "g"): Resource("flag", "7", g.properties),
        Ref("flag", "f"): Resource("flag", "8", after_g("7").properties),
    }
    found = through({}, [g, f], resources)
    assert {name: entry["id"] for name, entry in found.items()} == {"flag/g": "7", "flag/f": "8"}


def test_what_posthog_does_not_keep_was_applied_all_the_same() -> None:
    after = [BEFORE[0], on_beta(10, early_exit=True)]
    found = recorded(applied(BEFORE), after, after, **{UNKEPT: {"early_exit": "null"}})
    assert found == applied(after)


def test_what_has_no_id_was_not_made() -> None:
    after = [beta("beta")]
    gone = {Ref("cohort", "beta"): Resource("cohort", None, after[0].properties)}
    assert through({}, after, gone) == {}


def test_a_secrets_digest_is_no_difference_and_its_variable_is() -> None:
    def notification(variable: str, **more: str) -> Definition:
        properties = {"name": "N", "alert": 3, "template": "template-webhook"}
        inputs = {"url": {"env": variable, **more}}
        return Definition("notification", "n", KINDS["notification"].canonical({**properties, "inputs": inputs}), HERE)

    before, after = applied([notification("ONE")]), [notification("TWO")]
    assert recorded(before, after, [notification("TWO", digest="sha256:1")]) == applied(after)
    assert recorded(before, after, [notification("ONE", digest="sha256:1")]) == before


def test_a_new_definition_is_told_which_objects_of_its_kind_are_another_ones() -> None:
    """Also one that goes in this run: what adopted its object would lose that with it."""
    files = [made("cohort", key, name=key) for key in ("gone", "kept")] + [made("flag", "f", key="f")]
    before = {name: {**entry, "id": str(n)} for n, (name, entry) in enumerate(manifest(files, {}).items(), 5)}
    plan = Plan((files[1], files[2], made("cohort", "new", name="new")), before=before, after=before)
    metadata = plan.metadata(Settings({}, {}))
    taken = {ref.key: meta.taken for ref, meta in metadata.items()}
    assert taken == {"kept": {}, "f": {}, "new": {"5": "cohort/gone", "6": "cohort/kept"}}
