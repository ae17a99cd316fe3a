"""Experiments (PostHog: products/experiments/backend/experiment_service.py).

Traps: the flag is made with the experiment or linked to it, and its key can't be changed afterwards; the variants one
reads are the flag's; a draft's parameters are written to the flag, a running one's only when asked; metrics come back
with uuid and fingerprint; a list leaves 13 fields out; deletion leaves the flag.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from sandbox.resources.experiments import experiment_life, experiment_metrics, experiment_rules
from sandbox.resources.experiments.holdouts import HOLDOUTS, of_flag
from sandbox.resources.flags import linked_flags
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    UPDATED_AT,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    mapping,
    moment,
    read_only,
    text,
    write_only,
)
from sandbox.rest.listing import Condition, column, equals, same
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data, Reference
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid

DEFAULT_VARIANTS = (
    {"key": "control", "name": "Control Group", "rollout_percentage": 50},
    {"key": "test", "name": "Test Variant", "rollout_percentage": 50},
)
LISTS = (
    ("metrics", "primary_metrics_ordered_uuids", "primary"),
    ("metrics_secondary", "secondary_metrics_ordered_uuids", "secondary"),
)
ORDERS = ("created_at", "updated_at", "name", "start_date", "end_date", "duration", "status", "created_by")
# What a list leaves out (PostHog: ExperimentBasicSerializer).
DETAIL_ONLY = frozenset(
    "exposure_criteria filters holdout_id metrics metrics_secondary only_count_matured_users"
    " primary_metrics_ordered_uuids saved_metrics saved_metrics_ids scheduling_config secondary_metrics"
    " secondary_metrics_ordered_uuids stats_config".split()
)
UNCHANGEABLE = ("type", "_create_in_folder")


def _metrics(value: Any, attr: str) -> list[Data]:
    experiment_metrics.check(value, attr)
    return list(value)


class Experiments(Resource):
    kind, collection, scope, log_scope = "experiment", "experiments", "experiment", "Experiment"
    has_access_controls = True
    life = Life.SOFT_GONE
    filters: ClassVar = {"created_by_id": same("created_by")}
    order = "created_at DESC"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(3000), default="", null=True),
        Field("start_date", moment, null=True),
        Field("end_date", moment, null=True),
        Field("feature_flag_key", text(blank=False), required=True, logged=False),
        read_only("feature_flag"),
        read_only("holdout"),
        Field("holdout_id", integer(), null=True),
        read_only("exposure_cohort"),
        Field("parameters", experiment_rules.parameters, null=True),
        Field("excluded_variants", items(text()), null=True),
        Field("running_time_calculation", mapping, default={}, null=True),
        Field("secondary_metrics", anything, default=[], null=True),
        read_only("saved_metrics", []),
        Field("saved_metrics_ids", experiment_rules.saved_metrics, null=True, logged=False),
        Field("filters", mapping, default={}),
        Field("archived", boolean, default=False),
        Field("deleted", boolean, default=False, null=True),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        Field("type", choice("web", "product"), default="product", null=True),
        Field("exposure_criteria", experiment_rules.exposure, default={}, null=True),
        Field("metrics", _metrics, default=[], null=True),
        Field("metrics_secondary", _metrics, default=[], null=True),
        Field("stats_config", mapping, default={}, null=True),
        Field("scheduling_config", anything, null=True),
        write_only("allow_unknown_events", boolean),
        FOLDER,
        Field("conclusion", choice("won", "lost", "inconclusive", "stopped_early", "invalid"), null=True),
        Field("conclusion_comment", text(), null=True),
        Field("primary_metrics_ordered_uuids", items(), null=True),
        Field("secondary_metrics_ordered_uuids", items(), null=True),
        Field("only_count_matured_users", boolean, default=False),
        write_only("update_feature_flag_params", boolean),
        read_only("status"),
        read_only("user_access_level"),
    )

    def references(self, row: Data) -> Iterable[Reference]:
        yield (linked_flags.KIND, str(row["feature_flag_id"]))
        if row["holdout_id"]:
            yield ("experiment_holdout", str(row["holdout_id"]))
        for each in row["links"]:
            yield ("experiment_saved_metric", str(each["saved_metric"]))

    def actions(self) -> list[Action]:
        return experiment_life.actions(self)

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is None:
            self._check_dates(values)
            row = {**self.initial(context), "links": [], "feature_flag_id": None}
        else:
            self._check_change(context, values, before)
            row = dict(before)
        unknown_events = bool(values.pop("allow_unknown_events", False))
        synchronise = bool(values.pop("update_feature_flag_params", False))
        if values.get("holdout_id") is not None:
            HOLDOUTS.chosen(context, values["holdout_id"], "holdout_id")
        saved = values.pop("saved_metrics_ids", None)
        row.update({name: value for name, value in values.items() if name != "feature_flag_key"})
        if saved is not None:
            row["links"] = self._links(context, saved, before)
        self._number(row, values, self._saved_uuids(context, row))
        for name, _, _ in LISTS:
            if values.get(name):
                experiment_metrics.check_references(context, row[name], unknown_events)
        self._calculation(row, values)
        flag = self._flag(context, values, row, before, synchronise)
        row["feature_flag_id"], row["feature_flag_key"] = flag["id"], flag["key"]
        self._settle(context, row, flag, before)
        for name, order, kind in LISTS:
            row[name] = experiment_metrics.with_fingerprints(row, row[name] or [])
            self._order(context, row, before, order, name, kind)
        return row

    def _check_dates(self, row: Data) -> None:
        start, end = row.get("start_date"), row.get("end_date")
        if start and end and datetime.fromisoformat(start) >= datetime.fromisoformat(end):
            raise Invalid("End date must be after start date")

    def _check_change(self, context: Context, values: Data, before: Data) -> None:
        self._check_dates(values)
        flag = linked_flags.get(context, before["feature_flag_id"])
        assert flag is not None
        if before["deleted"] and values.get("deleted") is False and flag["deleted"]:
            raise Invalid(
                "Cannot restore experiment: the linked feature flag has been deleted. "
                "Restore the feature flag first, then restore the experiment."
            )
        extra = [name for name in UNCHANGEABLE if name in values]
        if values.get("feature_flag_key", flag["key"]) != flag["key"]:
            extra.append("get_feature_flag_key")
        if extra:
            raise Invalid(f"Can't update keys: {', '.join(sorted(extra))} on Experiment")
        if before["start_date"]:
            sent = (values.get("parameters") or {}).get("feature_flag_variants")
            keys = sorted(variant["key"] for variant in linked_flags.variants(flag))
            if sent is not None and sorted(variant["key"] for variant in sent) != keys:
                raise Invalid("Can't update feature_flag_variants on Experiment")
            if "holdout_id" in values and values["holdout_id"] != before["holdout_id"]:
                raise Invalid("Can't update holdout on running Experiment")
        if (values.get("filters") or {}).get("properties"):
            raise Invalid("Experiments do not support global filter properties")

    def _links(self, context: Context, saved: list[Data], before: Data | None) -> list[Data]:
        """The saved metrics of the experiment; what was linked before keeps its link's id."""
        known = {link["saved_metric"]: link for link in before["links"]} if before else {}
        links = []
        for each in saved:
            if context.store.get("experiment_saved_metric", each["id"], self.parent_id(context)) is None:
                raise Invalid("Saved metric does not exist or does not belong to this project", "saved_metrics_ids")
            link = known.get(each["id"]) or {
                "id": context.store.next_id("experiment_to_saved_metric"),
                "saved_metric": each["id"],
                "created_at": timestamp(),
            }
            links.append({**link, "metadata": each.get("metadata") or {}})
        return links

    def _saved_uuids(self, context: Context, row: Data) -> dict[str, str]:
        """Uuid -> `primary` or `secondary` of the saved metrics that have one."""
        found = {}
        for link in row["links"]:
            metric = context.store.get("experiment_saved_metric", link["saved_metric"])
            if metric is not None and metric["query"].get("uuid"):
                found[metric["query"]["uuid"]] = link["metadata"].get("type", "primary")
        return found

    def _number(self, row: Data, values: Data, saved: dict[str, str]) -> None:
        """Give the sent metrics uuids that nothing else in the experiment has."""
        taken = set(saved)
        for name, _, _ in LISTS:
            if name not in values:
                taken |= {metric["uuid"] for metric in row[name] or []}
        for name, _, _ in LISTS:
            if values.get(name) is not None:
                row[name] = experiment_metrics.with_uuids(values[name], taken)

    def _calculation(self, row: Data, values: Data) -> None:
        """Keep the calculator's numbers the same in both of their places."""
        names = experiment_rules.CALCULATION
        if values.get("running_time_calculation") is not None:
            rest = {name: value for name, value in (row["parameters"] or {}).items() if name not in names}
            row["parameters"] = {**rest, **values["running_time_calculation"]}
        elif "parameters" in values:
            sent = values["parameters"] or {}
            row["running_time_calculation"] = {name: sent[name] for name in names if name in sent}

    def _settle(self, context: Context, row: Data, flag: Data, before: Data | None) -> None:
        """Defaults that need the flag and the organisation, and the checks on them."""
        keys = [variant["key"] for variant in linked_flags.variants(flag)]
        experiment_rules.check_stats(row["stats_config"], keys)
        baseline = (row["stats_config"] or {}).get("baseline_variant_key") or "control"
        experiment_rules.check_excluded(row["excluded_variants"], keys, baseline, "excluded_variants")
        if before is None:
            method = context.organization.get("default_experiment_stats_method") or "bayesian"
            row["stats_config"] = {"method": method, **(row["stats_config"] or {})}
            row["exposure_criteria"] = {"filterTestAccounts": True, **(row["exposure_criteria"] or {})}
            row["metrics"], row["metrics_secondary"] = row["metrics"] or [], row["metrics_secondary"] or []

    def _order(self, context: Context, row: Data, before: Data | None, order: str, name: str, kind: str) -> None:
        """Keep the order of uuids complete: new metrics at the end, gone ones out. Raises `Invalid`."""

        def present(of: Data | None) -> list[str]:
            saved = self._saved_uuids(context, of) if of else {}
            return [metric["uuid"] for metric in (of or {}).get(name) or []] + [
                each for each, where in saved.items() if (where == "primary") == (kind == "primary")
            ]

        was, now = present(before), present(row)
        new = [each for each in now if each not in was]
        row[order] = experiment_metrics.ordered(row[order], set(was) - set(now), new)
        missing = sorted(set(now) - set(row[order] or []))
        if missing:
            raise Invalid(
                f"{order} is missing UUIDs: {missing}. This is likely a frontend bug - please refresh and try again."
            )

    # The flag -----------------------------------------------------------------------------------------------

    def _flag(self, context: Context, values: Data, row: Data, before: Data | None, synchronise: bool) -> Data:
        """The experiment's flag: found or made for a new one, brought into line for a changed one."""
        if before is None:
            return self._first_flag(context, values["feature_flag_key"], row)
        flag = linked_flags.get(context, before["feature_flag_id"])
        assert flag is not None
        draft = not before["start_date"]
        launched = draft and values.get("start_date") is not None
        if launched:
            experiment_life.check_launchable(flag)
        if draft or synchronise:
            flag = self._synchronise(context, flag, values, row)
        if launched and not flag["active"]:
            flag = linked_flags.overwrite(context, flag, active=True)
        return flag

    def _first_flag(self, context: Context, key: str, row: Data) -> Data:
        existing = context.store.find(linked_flags.KIND, key, self.parent_id(context))
        if existing is not None and not existing["deleted"]:
            experiment_rules.check_flag(linked_flags.variants(existing))
            return existing
        sent = row["parameters"] or {}
        filters: Data = {
            "groups": [{"properties": [], "rollout_percentage": sent.get("rollout_percentage", 100)}],
            "multivariate": {"variants": sent.get("feature_flag_variants") or list(DEFAULT_VARIANTS)},
            "aggregation_group_type_index": sent.get("aggregation_group_type_index"),
            **of_flag(context, row["holdout_id"]),
        }
        if sent.get("feature_flag_payloads"):
            filters["payloads"] = sent["feature_flag_payloads"]
        steady = sent.get("ensure_experience_continuity")
        if steady is None:
            steady = bool(context.project.get("flags_persistence_default"))
        data = {
            "key": key,
            "name": f"Feature Flag for Experiment {row['name']}",
            "filters": filters,
            "active": row["start_date"] is not None,
            "creation_context": "experiments",
            "ensure_experience_continuity": steady,
        }
        return linked_flags.create(context, data)

    def _synchronise(self, context: Context, flag: Data, values: Data, row: Data) -> Data:
        """Write changed parameters and holdout into the flag's filters."""
        sent = values.get("parameters")
        if not sent and "holdout_id" not in values:
            return flag
        filters = {**flag["filters"], **of_flag(context, row["holdout_id"])}
        if sent:
            groups = list(filters.get("groups") or [])
            if sent.get("rollout_percentage") is not None and groups:
                groups[0] = {**groups[0], "rollout_percentage": sent["rollout_percentage"]}
            filters["groups"] = groups
            filters["multivariate"] = {"variants": sent.get("feature_flag_variants") or list(DEFAULT_VARIANTS)}
            filters["aggregation_group_type_index"] = sent.get("aggregation_group_type_index")
        return linked_flags.change(context, flag, {"filters": filters})

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        linked_flags.link(context, after["feature_flag_id"])

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        flag = linked_flags.get(context, row["feature_flag_id"])
        assert flag is not None
        shown = super().show(context, row)
        variants = [
            {**variant, "split_percent": variant["rollout_percentage"]} for variant in linked_flags.variants(flag)
        ]
        shown.update(
            feature_flag_key=flag["key"],
            feature_flag=linked_flags.minimal(context, flag),
            holdout=HOLDOUTS.show_of(context, row["holdout_id"]),
            parameters={**(row["parameters"] or {}), "feature_flag_variants": variants},
            saved_metrics=[self._show_link(context, row, link) for link in row["links"]],
            saved_metrics_ids=None,
            status=experiment_life.status(row, flag),
        )
        for name, _, _ in LISTS:
            shown[name] = [experiment_metrics.refresh_names(context, metric) for metric in row[name] or []]
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        shown = self.show(context, row)
        if context.settings.experiment_lists == "whole":
            return shown
        return {name: value for name, value in shown.items() if name not in DETAIL_ONLY}

    def _show_link(self, context: Context, row: Data, link: Data) -> Data:
        metric = context.store.get("experiment_saved_metric", link["saved_metric"])
        assert metric is not None
        query = experiment_metrics.refresh_names(context, metric["query"])
        return {
            "id": link["id"],
            "experiment": row["id"],
            "saved_metric": metric["id"],
            "metadata": link["metadata"],
            "created_at": link["created_at"],
            "query": {**query, "fingerprint": experiment_metrics.fingerprint(row, query)},
            "name": metric["name"],
        }

    def conditions(self, context: Context) -> list[Condition]:
        query, found = context.query, super().conditions(context)
        found.append(equals("archived", int(query.get("archived", "false").lower() == "true")))
        if "feature_flag_id" in query:
            if not query["feature_flag_id"].isdecimal():
                raise Invalid("feature_flag_id must be an integer")
            found.append(equals("feature_flag_id", query["feature_flag_id"]))
        found.append(experiment_life.having_status(query.get("status", "all").lower()))
        return found

    def ordering(self, context: Context) -> str:
        asked = context.query.get("order") or "-created_at"
        name, direction = asked.lstrip("-"), "DESC" if asked.startswith("-") else "ASC"
        if name not in ORDERS:
            raise Invalid(f"Invalid order field: '{asked}'")
        start, end = column("start_date"), column("end_date")
        key = {
            "status": f"CASE WHEN {start} IS NULL THEN 0 WHEN {end} IS NULL THEN 1 ELSE 2 END",
            "duration": f"julianday(coalesce({end}, 'now')) - julianday({start})",
        }.get(name, column(name))
        return f"{key} {direction}, seq"


EXPERIMENTS = Experiments()
