"""Writes, and the fields that PostHog does not keep: for lack of a feature, or because a server ignores them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from providers.posthog import reconcile
from providers.posthog.errors import ApiError
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import UNKEPT, Field, Kind, Properties
from providers.posthog.kinds.normal import json_text
from providers.posthog.services import Services

Project = Callable[[Mapping[str, Any], Mapping[str, Any]], Properties]
"""Returns a live object's canonical form, given what was applied last."""


class Writer:
    """Writes fields of one kind's objects."""

    def __init__(self, kind: Kind, services: Services, project: Project | None = None) -> None:
        """``project`` gives a live object's canonical form, where that is not by the kind's table alone."""
        self.kind = kind
        self.project: Project = project or partial(kind.project, directory=services.directory)
        self.inventory = services.inventory
        self.client = services.inventory.client
        self.directory = services.directory
        self._warn = services.warn
        self._open: set[str] = set()

    def path(self, id_: str = "") -> str:
        """Return the path of the kind's collection, or of one object in it."""
        return self.client.project_path(f"{self.kind.collection}/{id_}")

    def mark(self, live: Live, old: Properties) -> dict[str, Any]:
        """Return the body that deletes an object by a mark, with what PostHog wants in every change."""
        always = [field for field in self.kind.fields if field.always]
        return {**reconcile.body(self.kind, always, old, self.directory, live, old), "deleted": True}

    def send(
        self,
        method: str,
        path: str,
        fields: list[Field],
        properties: Properties,
        live: Live | None = None,
        before: Properties | None = None,
    ) -> tuple[Live, dict[str, str]]:
        """Write fields and return PostHog's answer; what an organisation may not have is left out where it is refused.

        The second is PostHog's reason by refused field. ``live`` is the object that is changed and ``before`` its
        canonical form, None for a new one.
        """
        try:
            body = reconcile.body(self.kind, fields, properties, self.directory, live, before)
            return self.client.request(method, path, body), {}
        except ApiError as error:
            reason = str(error)
            refused = [field for field in fields if field.feature and field.feature.is_refused(reason)]
            if not refused:
                raise
        rest = [field for field in fields if field not in refused]
        answer, others = (live, {}) if live and not rest else self.send(method, path, rest, properties, live, before)
        return answer, {**others, **{field.name: reason for field in refused}}

    def kept(
        self,
        id_: str,
        fields: list[Field],
        wanted: Properties,
        answer: Live,
        refused: Mapping[str, str],
        meta: Metadata,
    ) -> Properties:
        """Return what was written, with what PostHog did not keep (see ``kinds.base.UNKEPT``); warns of that once.

        ``wanted`` is what ``fields`` were written from, ``answer`` the object as PostHog answered it.
        """
        written = {field.name for field in fields} - set(wanted.get("unmanaged", ()))
        before = {name: text for name, text in wanted.get(UNKEPT, {}).items() if name not in written}
        plain = {name: value for name, value in wanted.items() if name != UNKEPT}
        fields = [field for field in fields if field.name in written]
        hidden = [field for field in fields if self._hides(answer, field, plain)]
        shown = [field for field in fields if field not in hidden]
        lost = self._lost(shown, plain, answer)
        if hidden:
            self.client.settle()
            # Other differences are changes that somebody made since, and not fields that PostHog did not keep.
            lost |= self._lost(hidden, plain, self.inventory.fetch(self.kind, id_) or answer)
        for each in fields:
            if each.name in lost:
                reason = f"it needs {each.feature.needs}" if each.feature else "this PostHog accepts and ignores it"
                self._warn(meta, f"{each.name} was not kept: {refused.get(each.name, reason)}")
            elif each.feature and plain.get(each.name) is not None:
                self._open.add(each.name)
        unkept = {**before, **lost}
        return {**plain, UNKEPT: unkept} if unkept else plain

    def _lost(self, fields: Iterable[Field], wanted: Properties, live: Live) -> dict[str, str]:
        """Return what PostHog holds, as JSON text, of those of these fields that are not as they were written."""
        held = self.project(live, wanted)
        return {
            field.name: json_text(held.get(field.name))
            for field in fields
            if not reconcile.same(held.get(field.name), wanted.get(field.name))
        }

    def _hides(self, answer: Live, field: Field, properties: Properties) -> bool:
        """Return whether the answer to a write may not show that a field was dropped.

        It may lack the field, or contain a value that PostHog drops, unless this run has seen the field kept.
        """
        if not field.served(answer):
            return self.inventory.may_serve(self.kind, field)
        dropped_unsaid = field.feature is not None and not field.feature.refusal
        return dropped_unsaid and properties.get(field.name) is not None and field.name not in self._open
