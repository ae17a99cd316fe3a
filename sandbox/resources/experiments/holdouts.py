"""Experiment holdouts: a share of everybody that is kept out of experiments (PostHog: experiment_holdouts.py).

Traps: the server names the variant `holdout-<id>`, so it can't be known before; a change is written to the flags of all
experiments in the holdout, and deletion takes it out of them.
"""

from typing import Any

from sandbox.resources.flags import linked_flags
from sandbox.rest.fields import CREATED_AT, CREATED_BY, ID, UPDATED_AT, Field, items, mapping, read_only, text
from sandbox.rest.registry import resource
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, Missing


def _filters(value: Any, attr: str) -> list[Data]:
    filters: list[Data] = items(mapping)(value, attr)
    if not filters:
        raise Invalid("Filters must not be empty.", attr)
    for each in filters:
        share = each.get("rollout_percentage")
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise Invalid("Rollout percentage must be present.", attr)
        if not 0 <= share <= 100:
            raise Invalid("Rollout percentage must be between 0 and 100.", attr)
    return filters


class Holdouts(Resource):
    kind, collection, scope = "experiment_holdout", "experiment_holdouts", "experiment_holdout"
    log_scope = "Experiment"  # and marked by the detail's type
    life = Life.HARD
    order = "created_at DESC"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(400), null=True),
        Field("filters", _filters, default=[]),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        read_only("user_access_level"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is None and not values.get("filters"):
            raise Invalid("Filters are required to create an holdout group")
        row = super().prepare(context, values, before)
        row["filters"] = [{**each, "variant": f"holdout-{row['id']}"} for each in row["filters"]]
        return row

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if before is not None and before["filters"] != after["filters"]:
            self._spread(context, after, of_flag(context, after["id"]))

    def removing(self, context: Context, row: Data) -> None:
        self._spread(context, row, {"holdout": None})
        for experiment in context.store.referrers(self.kind, row["id"], "experiment"):
            resource("experiment").store(context, {**experiment, "holdout_id": None})

    def _spread(self, context: Context, row: Data, holdout: Data) -> None:
        """Write the holdout into the flags of its experiments."""
        for experiment in context.store.referrers(self.kind, row["id"], "experiment"):
            flag = linked_flags.get(context, experiment["feature_flag_id"])
            if flag is not None:
                linked_flags.change(context, flag, {"filters": {**flag["filters"], **holdout}})

    def extra(self, context: Context, row: Data) -> Data:
        return {"type": "holdout"}

    def chosen(self, context: Context, identifier: Any, attr: str) -> Data:
        """The holdout a client names by its id. Raises `Invalid` when there is none."""
        row = context.store.get(self.kind, identifier, self.parent_id(context))
        if row is None:
            raise Missing(identifier, attr)
        return row

    def show_of(self, context: Context, identifier: int | None) -> Data | None:
        row = context.store.get(self.kind, identifier) if identifier else None
        return self.show(context, row) if row else None


HOLDOUTS = Holdouts()


def of_flag(context: Context, identifier: int | None) -> Data:
    """What a flag's filters say of a holdout: its id and the share it excludes."""
    row = context.store.get(HOLDOUTS.kind, identifier) if identifier else None
    if row is None:
        return {"holdout": None}
    return {"holdout": {"id": row["id"], "exclusion_percentage": row["filters"][0]["rollout_percentage"]}}
