"""The flags that other kinds make, change and point at: experiments, early access features, surveys.

A flag that something points at carries the mark `linked`, so that reading flags costs a look-up only where there is
something to find; `experiment_set` holds the ids of its live experiments.
"""

from typing import Any

from sandbox.resources.flags.flag_rules import variant_list
from sandbox.resources.flags.flags import FLAGS
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Failure, Forbidden, Invalid

KIND = FLAGS.kind
LINKING = ("experiment", "early_access_feature", "survey")
# What other kinds' answers show of a flag, besides its ids.
MINIMAL = tuple(
    "name key filters deleted active ensure_experience_continuity has_encrypted_payloads version evaluation_runtime"
    " bucketing_identifier evaluation_contexts".split()
)


def get(context: Context, identifier: Any) -> Data | None:
    """The project's flag with that id, deleted ones included."""
    return context.store.get(KIND, identifier, FLAGS.parent_id(context)) if identifier else None


def chosen(context: Context, identifier: Any, attr: str | None = None) -> Data:
    """The flag a client names by its id. Raises `Invalid` when there is none."""
    flag = get(context, identifier)
    if flag is None or flag["deleted"]:
        raise Invalid("Feature Flag with this ID does not exist", attr)
    return flag


def create(context: Context, data: Data) -> Data:
    """A new flag, with all the checks of a POST to feature_flags."""
    return FLAGS.insert(context, FLAGS.clean(data, creating=True))


def change(context: Context, flag: Data, data: Data) -> Data:
    """Change a flag as a PATCH of it would: checked, logged, one version up."""
    return FLAGS.amend(context, flag, FLAGS.clean(data, creating=False))


def overwrite(context: Context, flag: Data, *, stamped: bool = True, **values: Any) -> Data:
    """Change a flag past its checks, without a new version and a `last_modified_by`, as PostHog's `flag.save()` does;
    logged all the same. Not `stamped` where PostHog saves these columns alone (`update_fields`).

    Raises `Failure` for an archived flag that would be on: PostHog's database takes none.
    """
    after = {**flag, **values, **({"updated_at": timestamp()} if stamped else {})}
    if after["archived"] and after["active"]:
        raise Failure()
    FLAGS.store(context, after)
    FLAGS.log(context, flag, after)
    return after


def link(context: Context, identifier: Any) -> None:
    """Bring the flag's marks up to date with what points at it. Not a change of the flag: nothing is logged."""
    flag = get(context, identifier)
    if flag is None:
        return
    found = {kind: context.store.referrers(KIND, flag["id"], kind) for kind in LINKING}
    experiments = [each["id"] for each in found["experiment"] if not each["deleted"]]
    FLAGS.store(context, {**flag, "linked": any(found.values()), "experiment_set": experiments})


def minimal(context: Context, flag: Data | None) -> Data | None:
    """A flag as the kinds that have one show it (PostHog: MinimalFeatureFlagSerializer)."""
    if flag is None:
        return None
    return {"id": flag["id"], "team_id": int(FLAGS.parent_id(context)), **{name: flag.get(name) for name in MINIMAL}}


def variants(flag: Data) -> list[Data]:
    """The flag's variants; an empty list for a boolean flag."""
    return variant_list(flag["filters"])


def require_flag_scope(context: Context, scope: str) -> None:
    """Refuse a key that may write its own kind but not the flag that the write changes too."""
    held = context.identity.scopes if context.identity else None
    if held is None or "*" in held or "feature_flag:write" in held:
        return
    raise Forbidden(
        "This action also modifies a feature flag, which requires the `feature_flag:write` scope "
        f"in addition to `{scope}`."
    )
