"""Feature flags (PostHog: products/feature_flags/backend/api/feature_flag.py).

Traps: PATCH of `filters` replaces them, ignores them, or merges top-level keys (`Settings.filters`); the stored filters
are rewritten (`flag_filters.py`, `flag_filters_older.py`); a new flag brings a dashboard (`flag_usage.py`); a tombstone
still answers GET, and gives its key away to the next flag that wants it; the list leaves out archived flags; `version`
is counted by the server, whatever is sent.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.resources.approvals import approval_gate
from sandbox.resources.flags import (
    flag_actions,
    flag_calls,
    flag_dependencies,
    flag_filters,
    flag_lists,
    flag_rollout,
    flag_rules,
    flag_tag_race,
    flag_usage,
    flag_writes,
)
from sandbox.rest.fields import (
    CREATED_BY,
    FOLDER,
    ID,
    LAST_MODIFIED_BY,
    TAGS,
    UPDATED_AT,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    moment,
    read_only,
    text,
    write_only,
)
from sandbox.rest.listing import Condition
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data, Reference
from sandbox.wire.context import Context, Json, Services, timestamp
from sandbox.wire.errors import Invalid

KEY_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
LEGACY_KEYS = ("super_groups", "holdout_groups")
INTERNAL_CONTEXTS = ("surveys", "product_tours")  # flags of these origins aren't listed


def _contexts(value: Any, attr: str) -> list[str]:
    cleaned = [str(item).strip().lower() for item in items(text(255), 50)(value, attr)]
    return sorted(set(cleaned))


class Flags(Resource):
    kind, collection, scope, log_scope = "feature_flag", "feature_flags", "feature_flag", "FeatureFlag"
    has_access_controls = True
    key, named, order = "key", "key", "created_at DESC"
    look_every = 1  # PostHog's worker looks every half hour
    search = ("key", "name")
    fields = (
        ID,
        Field("name", text(), default=""),
        Field("key", text(400, blank=False), required=True),
        Field("filters", anything, default={}),
        Field("deleted", boolean, default=False),
        Field("active", boolean, default=True),
        Field("archived", boolean, default=False),
        CREATED_BY,
        Field("created_at", moment, logged=False),  # a sent one is stored
        UPDATED_AT,
        Field("version", anything, default=1, null=True),
        LAST_MODIFIED_BY,
        Field("ensure_experience_continuity", boolean, default=False, null=True),
        read_only("experiment_set", []),
        read_only("experiment_set_metadata", []),
        read_only("surveys", []),
        read_only("features", []),
        read_only("can_edit", True),
        TAGS,
        Field("evaluation_contexts", _contexts, default=[]),
        read_only("usage_dashboard"),
        Field("analytics_dashboards", items(integer()), default=[]),
        Field("has_enriched_analytics", boolean, default=False, null=True),
        read_only("user_access_level"),
        write_only(
            "creation_context",
            choice(
                "feature_flags", "experiments", "surveys", "early_access_features", "web_experiments", "product_tours"
            ),
        ),
        Field("is_remote_configuration", boolean, default=False, null=True),
        Field("has_encrypted_payloads", boolean, default=False, null=True),
        read_only("status"),
        Field("evaluation_runtime", choice("all", "server", "client"), default="all", null=True),
        Field("bucketing_identifier", choice("distinct_id", "device_id"), default="distinct_id", null=True),
        Field("last_called_at", moment, null=True, logged=False),
        FOLDER,
        write_only("_should_create_usage_dashboard", boolean, null=False),
        read_only("is_used_in_replay_settings", False),
        read_only("is_eligible_for_experiment"),
    )

    def listed(self, row: Data) -> bool:
        return not row["deleted"] and not row["archived"] and not row.get("internal", False)

    def references(self, row: Data) -> Iterable[Reference]:
        return flag_dependencies.references(row)

    def actions(self) -> list[Action]:
        return flag_actions.actions(self)

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        flag_calls.note(self, services)

    # Writing ------------------------------------------------------------------------------------------------

    def create(self, context: Context) -> Any:
        values = self.clean(context.data, creating=True)
        after = self.insert(context, dict(values))
        flag_tag_race.lose(self, context, values, after)
        return Json(self.show_written(context, after), 201)

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        key = str(values.get("key", before["key"] if before else ""))
        if "key" in values:
            self._check_key(context, values["key"], before)
        if "filters" in values:
            values["filters"] = flag_writes.filters(context, self.parent_id(context), values["filters"], before, key)
        self._check_state({**(before or {"active": True}), **values}, values, before)
        approval_gate.gate(context, values, before)
        if before is None:
            return self._new(context, values)
        self._check_tags(context, values, before)
        return self._changed(context, values, before)

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        wanted = context.settings.usage_dashboards and values.get("_should_create_usage_dashboard", True)
        if before is None and wanted:
            after["usage_dashboard"] = flag_usage.create(context, after)
            self.store(context, after)

    def touch(self, context: Context, row: Data) -> None:
        """Who changed it last is who changed it as a flag: see `_changed`."""
        row["updated_at"] = timestamp()

    def extra(self, context: Context, row: Data) -> Data:
        """The log names who changed the flag last, also where somebody else switched it, through an experiment."""
        return {"by": row["last_modified_by"]}

    def _check_key(self, context: Context, key: str, before: Data | None) -> None:
        if before is None or key != before["key"]:
            other = context.store.select(self.kind, self.parent_id(context), "natural = ?", [key])
            if any(not row["deleted"] for row in other):
                raise Invalid("There is already a feature flag with this key.", "key", "unique")
        if not set(key) <= KEY_CHARACTERS:
            raise Invalid("Only letters, numbers, hyphens (-) & underscores (_) are allowed.", "key", "invalid_key")

    def _check_state(self, after: Data, values: Data, before: Data | None) -> None:
        """The rules between the flag's own switches."""
        incompatible = after.get("bucketing_identifier") == "device_id" and after.get("ensure_experience_continuity")
        was = (
            before is not None
            and before["bucketing_identifier"] == "device_id"
            and before["ensure_experience_continuity"]
        )
        if incompatible and not was:
            raise Invalid(
                "Cannot enable 'persist across authentication steps' when using device ID bucketing. "
                "These features are incompatible."
            )
        if after.get("has_encrypted_payloads") and not after.get("is_remote_configuration"):
            raise Invalid("Encrypted payloads require the flag to be a remote configuration.")
        if after.get("archived") and after["active"]:
            if values.get("archived"):
                raise Invalid(
                    "Cannot archive an enabled feature flag. Disable it first, or send active: false in "
                    "the same request."
                )
            raise Invalid("Cannot enable an archived feature flag. Unarchive it first.")

    def _new(self, context: Context, values: Data) -> Data:
        most = context.settings.flag_limit
        if most and context.store.count(self.kind, self.parent_id(context)) >= most:
            raise Invalid(
                f"Maximum of {most:,} feature flags allowed per team. Please delete unused flags or contact "
                "support to raise the limit."
            )
        origin = values.pop("creation_context", "feature_flags")
        self._check_requirements(context, values, origin)
        row = {**self.initial(context), **values, "version": 1}
        if row["is_remote_configuration"]:
            _force_rollout(row)
        row["filters"] = row["filters"] or {"groups": []}
        self._check_secret(row)
        if context.settings.gated_fields != "kept":
            row["evaluation_contexts"] = []
        row["internal"] = origin in INTERNAL_CONTEXTS
        flag_dependencies.free_key(context, self, row["key"])
        return row

    def _check_requirements(self, context: Context, values: Data, origin: str) -> None:
        if origin in INTERNAL_CONTEXTS:
            return
        if (
            context.project.get("require_evaluation_contexts")
            and context.settings.gated_fields == "kept"
            and not values.get("evaluation_contexts")
        ):
            raise Invalid("At least one evaluation context is required to create a new feature flag.")
        if _requires_tags(context) and not values.get("tags"):
            raise Invalid("Add at least one tag. This project requires new feature flags to be tagged.", "tags")

    def _check_tags(self, context: Context, values: Data, before: Data) -> None:
        if _requires_tags(context) and before["tags"] and values.get("tags") == []:
            raise Invalid("Keep at least one tag. This project requires feature flags to be tagged.", "tags")

    def _check_secret(self, row: Data) -> None:
        if row["has_encrypted_payloads"] and not (row["filters"].get("payloads") or {}).get("true"):
            raise Invalid("An encrypted payload is required when has_encrypted_payloads is true.")

    def _changed(self, context: Context, values: Data, before: Data) -> Data:
        if values.get("deleted") is True:
            flag_dependencies.check_deletable(context, before)
            if flag_dependencies.experiments(context, before):
                values["key"] = f"{before['key']}:deleted:{before['id']}"
        if values.get("deleted") is False:
            flag_dependencies.restore_key(context, self, before, values)
        if values.get("active") is False and before["active"]:
            flag_dependencies.check_dependents(context, before, "disable")
        if values.get("active") is True and not before["active"]:
            flag_dependencies.check_enabled(context, before)
        values.pop("creation_context", None)
        values.pop("version", None)
        if context.settings.gated_fields != "kept":
            values.pop("evaluation_contexts", None)
        if "analytics_dashboards" in values:  # only ever adds
            values["analytics_dashboards"] = sorted({*before["analytics_dashboards"], *values["analytics_dashboards"]})
        author = context.user["id"] if context.identity else None
        after = {**before, **values, "version": before["version"] + 1, "last_modified_by": author}
        if not context.memo.get("keep legacy filters"):
            after["filters"] = {k: v for k, v in after["filters"].items() if k not in LEGACY_KEYS}
        self._check_secret(after)
        _drop_secret(before, after)
        if "key" in values and values["key"] != before["key"] and not after["deleted"]:
            flag_dependencies.free_key(context, self, values["key"], but=before["id"])
        return after

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        shown["filters"] = self._show_filters(context, row)
        shown["status"] = flag_rollout.status(row)[0].upper()
        shown["is_eligible_for_experiment"] = 2 <= len(flag_rules.variant_list(row["filters"])) <= 20
        if row.get("linked"):
            flag_dependencies.show_links(context, row, shown)
        linked = context.project.get("session_recording_linked_flag") or {}
        shown["is_used_in_replay_settings"] = linked.get("id") == row["id"]
        return shown

    def _show_filters(self, context: Context, row: Data) -> Data:
        """The stored filters with cohorts' and groups' names. A key may read encrypted payloads."""
        filters: Data = row["filters"]
        named = [
            prop
            for _, prop in flag_filters.properties_of(filters.get("groups"))
            if prop.get("type") == "cohort" or (prop.get("type") == "group" and prop.get("key") == "$group_key")
        ]
        for prop in named:
            if prop["type"] == "cohort":
                prop["cohort_name"] = _cohort_name(context, prop.get("value"))
            else:
                keys = prop["value"] if isinstance(prop.get("value"), list) else [prop.get("value")]
                prop["group_key_names"] = {str(key): str(key) for key in keys if key is not None}
        return filters

    # Listing ------------------------------------------------------------------------------------------

    def conditions(self, context: Context) -> list[Condition]:
        return flag_lists.conditions(context.query)

    def matching(self, needle: str) -> Condition:
        return flag_lists.matching(needle)

    def ordering(self, context: Context) -> str:
        return flag_lists.ordering(context, self.by_name)


def _requires_tags(context: Context) -> bool:
    policy = context.project.get("feature_flag_policy_config")
    return isinstance(policy, dict) and bool(policy.get("require_tags"))


def _force_rollout(row: Data) -> None:
    """A new remote configuration always rolls out to everybody."""
    groups = (row["filters"] or {}).get("groups")
    if not groups:
        row["filters"] = {
            **(row["filters"] or {}),
            "groups": [{"properties": [], "rollout_percentage": 100, "variant": None}],
        }
        return
    for group in groups:
        if group.get("rollout_percentage") in (0, None):
            group["rollout_percentage"] = 100


def _drop_secret(before: Data, after: Data) -> None:
    """A payload that was encrypted goes when it is to be so no more, unless another one is sent."""
    if before["has_encrypted_payloads"] and not after["has_encrypted_payloads"]:
        stored, payloads = before["filters"].get("payloads") or {}, after["filters"].get("payloads") or {}
        kept = {key: value for key, value in payloads.items() if value != stored.get(key)}
        after["filters"] = {**after["filters"], "payloads": kept}


def _cohort_name(context: Context, identifier: Any) -> str | None:
    remembered = context.memo.get(("cohort", identifier))
    if remembered is None:
        cohort = context.store.get("cohort", identifier)
        remembered = context.memo["cohort", identifier] = cohort["name"] if cohort else None
    return remembered


FLAGS = Flags()
