"""A stack without Pulumi: a checkout's definitions, applied to a sandbox by the provider in this process, and planned.

It does what the engine does, in the same order: the program's plan, then a resource after the other through the
provider's own methods, then the deletions. Its state is in the form in which `pulumi stack export` prints one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ai_admin import manifest
from ai_admin.definitions.files import TOP_FOLDERS
from ai_admin.review.changes import Change
from ai_admin.review.plan import Planned, planned_for
from ai_admin.review.report import Entry
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State, parsed
from ai_admin.run import Run
from ai_admin.run import plan as plan_run
from providers.posthog import provider as provider_module
from providers.posthog.errors import Refused
from providers.posthog.inputs import to_inputs, with_digests
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.matching import as_lists
from providers.posthog.provider import PROVIDERS
from providers.posthog.references import readable, with_ids
from providers.posthog.session import Session
from providers.posthog.settings import Settings
from tests.support.sandbox import Sandbox

NAME_OF_STACK = "sandbox"


class Stack:
    """A checkout of a test's own, and what was applied of it."""

    def __init__(self, root: Path, sandbox: Sandbox, **settings: str) -> None:
        self.root, self.sandbox = root, sandbox
        self.settings = Settings({"disposable": "true", **settings}, sandbox.environ)
        self.warnings: list[str] = []
        self.resources: dict[Ref, dict[str, Any]] = {}
        self.manifest: dict[str, Any] = {}
        for folder in (*TOP_FOLDERS, *(kind.folder for kind in KINDS.values())):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "Pulumi.yaml").write_text("name: ai-admin\nruntime: python\n")
        (root / f"Pulumi.{NAME_OF_STACK}.yaml").write_text("config: {}\n")

    def write(self, kind: str, key: str, **fields: Any) -> None:
        """Write a file of a definition."""
        text = yaml.safe_dump({"key": key, **fields}, sort_keys=False, allow_unicode=True)
        (self.root / KINDS[kind].folder / f"{key}.yaml").write_text(text, encoding="utf-8")

    def remove(self, kind: str, key: str) -> None:
        """Remove a definition's file."""
        (self.root / KINDS[kind].folder / f"{key}.yaml").unlink()

    def configure(self, **settings: str) -> None:
        """Change the stack's settings."""
        self.settings = Settings({**self.settings.stack, **settings}, self.sandbox.environ)

    @property
    def state(self) -> State:
        """What was applied, read as `pulumi stack export` prints it."""
        stack = {"urn": "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s", "type": "pulumi:pulumi:Stack"}
        outputs = {manifest.OUTPUT: json.dumps(self.manifest)} if self.manifest else {}
        return parsed(json.loads(json.dumps([{**stack, "outputs": outputs}, *self.resources.values()])))

    def up(self, *consents: str) -> None:
        """Apply the definitions; the program may refuse nothing. What the provider refuses stays as it is, the rest is
        applied, and the first :class:`Refused` is raised at the end.
        """
        if consents:
            self.configure(consent=" ".join(consents))
        run = Run(
            self.root,
            NAME_OF_STACK,
            self.settings,
            self.manifest,
            self._reviewed().followed,
            False,
            self.warnings.append,
        )
        planned = plan_run(run)
        assert not planned.refused, planned.refused
        provider_module._SESSION = Session(self.warnings.append)
        provider_module._SESSION.configure(self.settings)
        for ref, each in list(self.resources.items()):
            found = PROVIDERS[ref.kind]().read(each["id"], each["outputs"])
            if found.id:
                self.resources[ref] = {**each, "id": found.id, "outputs": dict(found.outs or {})}
            else:
                del self.resources[ref]
        metadata, outcomes, applied = planned.metadata(self.settings), {}, set()
        refused: list[Refused] = []
        for definition in planned.definitions:
            ref = Ref(definition.kind, definition.key)
            properties = with_digests(ref.kind, definition.properties, self.settings.environ)
            inputs = to_inputs(with_ids(properties, self._id), metadata[ref])
            former = Ref(ref.kind, definition.renamed_from or ref.key)
            standing = self.resources.pop(ref, None) or self.resources.pop(former, None)
            applied.add(ref)
            try:
                self._apply(ref, inputs, standing)
            except Refused as problem:
                refused.append(problem)
                self.resources.update({ref: standing} if standing else {})
                continue
            there = self.resources[ref]
            outcomes[ref] = (there["id"], KINDS[ref.kind].canonical(as_lists(ref.kind, there["outputs"])))
        for ref in [ref for ref in self.resources if ref not in applied]:
            gone = self.resources.pop(ref)
            PROVIDERS[ref.kind]().delete(gone["id"], gone["outputs"])
        now = datetime.now(UTC).isoformat()
        known = self.settings.consents
        self.manifest = {**manifest.applied(planned.before, planned.after, planned.definitions, outcomes, known, now)}
        if refused:
            raise refused[0]

    def _apply(self, ref: Ref, inputs: dict[str, Any], standing: dict[str, Any] | None) -> None:
        provider, state = PROVIDERS[ref.kind](), standing["outputs"] if standing else {}
        checked = dict(provider.check(state, inputs).inputs)
        if standing is None:
            made = provider.create(checked)
            id_, outputs = made.id, made.outs
        else:
            id_, outputs = standing["id"], state
            difference = provider.diff(id_, state, checked)
            assert not difference.replaces, "this engine replaces nothing"
            if difference.changes is not False:
                outputs = provider.update(id_, state, checked).outs or {}
        type_ = f"pulumi-python:dynamic/posthog:{KINDS[ref.kind].type}"
        urn = f"urn:pulumi:{NAME_OF_STACK}::ai-admin::{type_}::{ref}"
        self.resources[ref] = {"urn": urn, "type": type_, "id": id_, "outputs": dict(outputs or {})}

    def _id(self, ref: Ref) -> Any:
        return readable(ref, self.resources[ref]["id"])

    def _reviewed(self) -> Reviewed:
        return Reviewed(self.root, NAME_OF_STACK, self.settings, lambda: self.state)

    # Reviewing

    def planned(self, count: bool = True, partly: bool = False) -> Planned | tuple[str, ...]:
        """Return the plan, or why there is none."""
        return planned_for(self._reviewed(), count, partly)

    def plan(self, count: bool = True) -> Planned:
        """Return the plan, which there must be."""
        found = self.planned(count)
        assert isinstance(found, Planned), found
        return found

    def entry(self, name: str, count: bool = False) -> Entry:
        """Return what a plan says of an object that changes."""
        [found] = [each for each in self.plan(count).report.entries if str(each.change.ref) == name]
        return found

    def change(self, name: str) -> Change:
        """Return what becomes of an object."""
        [found] = [each for each in self.plan(False).outlook.changes if str(each.ref) == name]
        return found

    def path(self, name: str) -> str:
        """The address of an object's API."""
        ref = Ref.parse(name)
        return f"{KINDS[ref.kind].collection}/{self.resources[ref]['id']}/"
