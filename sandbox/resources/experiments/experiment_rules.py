"""What an experiment's fields accept, in the words of PostHog's experiment_service.py and its serializers."""

from copy import deepcopy
from typing import Any

from sandbox.rest.fields import mapping
from sandbox.storage.store import Data
from sandbox.wire.errors import Invalid

TOO_FEW = "Feature flag must have at least 2 variants (control and at least one test variant)"
CALCULATION = (
    "minimum_detectable_effect",
    "recommended_running_time",
    "recommended_sample_size",
    "exposure_estimate_config",
)
# What each kind of exposure has to have.
EXPOSURES: dict[str, tuple[tuple[str, type], ...]] = {
    "ExperimentEventExposureConfig": (("event", str), ("properties", list)),
    "ActionsNode": (("id", int),),
}
HINT = (
    "Expected either an event-based config like {'kind': 'ExperimentEventExposureConfig', 'event': '<event_name>', "
    "'properties': []} or an action-based config like {'kind': 'ActionsNode', 'id': <action_id>}."
)


def parameters(value: Any, attr: str) -> Data:
    """`parameters` as they are stored: `Control` in lower case, `split_percent` as `rollout_percentage`."""
    result = deepcopy(mapping(value, attr))
    variants = result.get("feature_flag_variants")
    if variants is None:
        return result
    if not isinstance(variants, list):
        raise Invalid("feature_flag_variants must be a list", attr)
    for index, variant in enumerate(variants):
        if not isinstance(variant, dict):
            raise Invalid(f"Feature flag variant at index {index} must be an object", attr)
    _lower_control(variants)
    for index, variant in enumerate(variants):
        if "split_percent" in variant:
            variant["rollout_percentage"] = variant.pop("split_percent")
        if "key" not in variant:
            raise Invalid(f"Feature flag variant at index {index} must have a 'key' field", attr)
        if "rollout_percentage" not in variant:
            raise Invalid(
                "Each variant must include split_percent (recommended) or rollout_percentage (deprecated).", attr
            )
    keys = [variant["key"] for variant in variants]
    _check_keys(keys, attr)
    check_excluded(result.get("excluded_variants"), keys, "control", attr)
    return result


def _lower_control(variants: list[Data]) -> None:
    if any(variant.get("key") == "control" for variant in variants):
        return
    for variant in variants:
        if str(variant.get("key")).lower() == "control":
            variant["key"] = "control"
            return


def _check_keys(keys: list[str], attr: str) -> None:
    if len(keys) >= 21:
        raise Invalid("Feature flag variants must be less than 21", attr)
    if keys and len(keys) < 2:
        raise Invalid(TOO_FEW, attr)
    if keys and "control" not in keys:
        raise Invalid(
            "Feature flag variants must contain a variant with key 'control' (lowercase, exactly). "
            f"Got keys: {keys}. Rename the baseline variant's 'key' to 'control'.",
            attr,
        )


def check_excluded(excluded: Any, keys: list[str], baseline: str, attr: str) -> None:
    """Variants that are left out of results, of these keys. Raises `Invalid`."""
    if not excluded:
        return
    if not isinstance(excluded, list) or not all(isinstance(each, str) for each in excluded):
        raise Invalid("excluded_variants must be a list of strings", attr)
    held_out = sorted(each for each in excluded if each.startswith("holdout-"))
    if held_out:
        raise Invalid(f"cannot exclude holdout pseudo-variants: {held_out}", attr)
    if baseline in excluded:
        raise Invalid(f"baseline variant cannot be excluded ('{baseline}')", attr)
    if set(excluded) - set(keys):
        raise Invalid(f"unknown variants for this experiment: {sorted(set(excluded) - set(keys))}", attr)
    if not set(keys) - set(excluded) - {baseline}:
        raise Invalid("at least one test variant must remain in analysis", attr)


def exposure(value: Any, attr: str) -> Data:
    """Who counts as exposed."""
    if not isinstance(value, dict):
        raise Invalid(
            f"exposure_criteria must be an object, got {type(value).__name__}. "
            "Expected shape: {'filterTestAccounts': <bool>, 'exposure_config': <object>}.",
            attr,
        )
    filtered = value.get("filterTestAccounts", True)
    if not isinstance(filtered, bool):
        raise Invalid(
            "exposure_criteria.filterTestAccounts must be a boolean, got "
            f"{type(filtered).__name__}: {repr(filtered)[:80]}.",
            attr,
        )
    if "exposure_config" in value:
        _check_exposure(value["exposure_config"], attr)
    return value


def _check_exposure(config: Any, attr: str) -> None:
    where = "exposure_criteria.exposure_config"
    if not isinstance(config, dict):
        raise Invalid(f"{where} must be an object, got {type(config).__name__}. {HINT}", attr)
    kind = config.get("kind", "ExperimentEventExposureConfig")
    if not isinstance(kind, str) or kind not in EXPOSURES:
        raise Invalid(f"{where}.kind must be one of {list(EXPOSURES)}, got {repr(kind)[:80]}. {HINT}", attr)
    errors = [
        {"loc": (name,), "type": "missing", "msg": "Field required"}
        if name not in config
        else {"loc": (name,), "type": f"{wanted.__name__}_type", "msg": f"Input should be a valid {wanted.__name__}"}
        for name, wanted in EXPOSURES[kind]
        if not isinstance(config.get(name), wanted)
    ]
    if errors:
        raise Invalid(f"Invalid {where} (kind={kind!r}): {errors}. {HINT}", attr)


def saved_metrics(value: Any, attr: str) -> list[Data]:
    """References to saved metrics: `[{id, metadata: {type}}]`."""
    if not isinstance(value, list):
        raise Invalid("Saved metrics must be a list", attr)
    for each in value:
        if not isinstance(each, dict):
            raise Invalid("Saved metric must be an object", attr)
        if "id" not in each:
            raise Invalid("Saved metric must have an id", attr)
        if "metadata" in each and not isinstance(each["metadata"], dict):
            raise Invalid("Metadata must be an object", attr)
        if "metadata" in each and "type" not in each["metadata"]:
            raise Invalid("Metadata must have a type key", attr)
    return value


def check_flag(variants: list[Data]) -> None:
    """An existing flag has to have the variants of an experiment. Raises `Invalid`."""
    if len(variants) < 2:
        raise Invalid(TOO_FEW)
    if "control" not in [variant["key"] for variant in variants]:
        raise Invalid("Feature flag must have a variant with key 'control'")


def check_stats(config: Data | None, keys: list[str]) -> None:
    """How it is analysed. Raises `Invalid`."""
    method = (config or {}).get("method")
    if method is not None and method not in ("bayesian", "frequentist"):
        raise Invalid(f"Invalid stats method: '{method}'. Must be one of: bayesian, frequentist")
    baseline = (config or {}).get("baseline_variant_key")
    if baseline is not None and baseline not in keys:
        raise Invalid(f"Invalid baseline_variant_key: '{baseline}'. Must be one of: {', '.join(sorted(keys))}")
