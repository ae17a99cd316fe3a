"""Early access features (PostHog: products/early_access_features/backend/api.py).

Traps: a flag is made with the feature, keyed by the feature's name and on for nobody; entering an active stage lets
people enrol (`feature_enrollment` in the flag's filters), leaving it or deleting the feature takes that back; the
collection's name is singular.
"""

import re
import unicodedata
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sandbox.resources.flags import linked_flags
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    Field,
    anything,
    boolean,
    choice,
    integer,
    read_only,
    text,
    write_only,
)
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

STAGES = ("draft", "concept", "alpha", "beta", "general-availability", "archived")
ACTIVE = ("alpha", "beta", "general-availability")
SCOPE = "early_access_feature:write"
NOBODY = {"properties": [], "rollout_percentage": 0, "variant": None}
EVERYBODY = {"properties": [], "rollout_percentage": 100}


def _address(value: Any, attr: str) -> str:
    """DRF's URLField."""
    address = str(text(800)(value, attr))
    if address and (urlsplit(address).scheme not in ("http", "https", "ftp", "ftps") or not urlsplit(address).netloc):
        raise Invalid("Enter a valid URL.", attr)
    return address


def slugify(name: str) -> str:
    """Django's slugify."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.lower())).strip("-_")


def enrolling(filters: Data, enrolled: bool | None, **more: Any) -> Data:
    """A flag's filters with enrolment switched on (True) or taken out (None)."""
    kept = {name: value for name, value in filters.items() if name != "super_groups"}
    return {**kept, "feature_enrollment": enrolled, **more}


class EarlyAccessFeatures(Resource):
    kind, collection, scope = "early_access_feature", "early_access_feature", "early_access_feature"
    has_access_controls = True
    log_scope = "EarlyAccessFeature"
    life, identifier = Life.HARD, "uuid"
    refs: ClassVar = {"feature_flag_id": linked_flags.KIND}
    fields = (
        ID,
        read_only("feature_flag"),
        Field("name", text(200, blank=False), required=True),
        Field("description", text(), default=""),
        Field("stage", choice(*STAGES), required=True),
        Field("documentation_url", _address, default=""),
        Field("payload", anything, default={}, null=True),
        CREATED_AT,
        CREATED_BY,
        Field("assignee", anything, null=True),
        read_only("user_access_level"),
        Field("feature_flag_id", integer(), logged=False),
        write_only("rollout_to_all", boolean),
        FOLDER,
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if "payload" in values:
            values["payload"] = values["payload"] or {}
        if before is None:
            flag = self._first_flag(context, values)
            row = super().prepare(context, values, None)
            row["feature_flag_id"] = flag["id"]
            if "assignee" not in values:
                row["assignee"] = {"type": "user", "id": context.user["id"]}
            return row
        values.pop("feature_flag_id", None)
        self._change_flag(context, values, before)
        return super().prepare(context, values, before)

    def _first_flag(self, context: Context, values: Data) -> Data:
        active = values["stage"] in ACTIVE
        if values.get("feature_flag_id"):
            flag = self._existing_flag(context, values["feature_flag_id"])
            if not active:
                return flag
            linked_flags.require_flag_scope(context, SCOPE)
            return linked_flags.change(context, flag, {"filters": enrolling(flag["filters"], True)})
        linked_flags.require_flag_scope(context, SCOPE)
        filters: Data = {"groups": [dict(NOBODY)], **({"feature_enrollment": True} if active else {})}
        data = {
            "key": slugify(values["name"]),
            "name": f"Feature Flag for Early Access Feature {values['name']}",
            "filters": filters,
            "creation_context": "early_access_features",
        }
        return linked_flags.create(context, data)

    def _existing_flag(self, context: Context, identifier: int) -> Data:
        flag = linked_flags.chosen(context, identifier)
        if context.store.referrers(linked_flags.KIND, flag["id"], self.kind):
            raise Invalid(f"Linked feature flag {flag['key']} already has a feature attached to it.")
        if flag["filters"].get("aggregation_group_type_index") is not None:
            raise Invalid("Group-based feature flags are not supported for Early Access Features.")
        if linked_flags.variants(flag):
            raise Invalid("Multivariate feature flags are not supported for Early Access Features.")
        return flag

    def _change_flag(self, context: Context, values: Data, before: Data) -> None:
        """What a new stage does to the flag."""
        flag, stage, was = linked_flags.get(context, before["feature_flag_id"]), values.get("stage"), before["stage"]
        everybody = bool(values.pop("rollout_to_all", False))
        if flag is None or stage is None or (stage in ACTIVE and was in ACTIVE and not everybody):
            return
        linked_flags.require_flag_scope(context, SCOPE)
        if everybody and stage != was and stage == "general-availability":
            filters = enrolling(flag["filters"], None, groups=[dict(EVERYBODY)])
            linked_flags.change(context, flag, {"filters": filters})
        elif stage in ACTIVE and was not in ACTIVE:
            linked_flags.change(context, flag, {"filters": enrolling(flag["filters"], True)})
        elif stage not in ACTIVE:
            linked_flags.overwrite(context, flag, filters=enrolling(flag["filters"], None))

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        linked_flags.link(context, after["feature_flag_id"])

    def delete(self, context: Context, row: Data) -> None:
        flag = linked_flags.get(context, row["feature_flag_id"])
        if flag is not None:
            linked_flags.require_flag_scope(context, SCOPE)
            linked_flags.overwrite(context, flag, filters=enrolling(flag["filters"], None))
        super().delete(context, row)
        linked_flags.link(context, row["feature_flag_id"])

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        flag = linked_flags.get(context, shown.pop("feature_flag_id"))
        return {**shown, "feature_flag": linked_flags.minimal(context, flag)}


EARLY_ACCESS_FEATURES = EarlyAccessFeatures()
