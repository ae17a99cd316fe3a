"""An alert's detector of anomalies: what PostHog takes, and how it is read.

Source: DetectorConfig of PostHog's posthog/schema.py, and `_validate_detector_params` in
products/alerts/backend/presentation/views/alert.py, 2026-09.

Trap: it is read with every key of its type, null where none was sent.
"""

from typing import Any

from sandbox.rest.fields import mapping
from sandbox.storage.store import Data
from sandbox.wire.errors import Invalid

# What each type has besides `type` and `preprocessing`.
TYPES: dict[str, tuple[str, ...]] = {
    "zscore": ("threshold", "window"),
    "mad": ("threshold", "window"),
    "iqr": ("multiplier", "window"),
    "threshold": ("lower_bound", "upper_bound"),
    "ecod": ("threshold", "window"),
    "copod": ("threshold", "window"),
    "isolation_forest": ("n_estimators", "threshold", "window"),
    "knn": ("method", "n_neighbors", "threshold", "window"),
    "hbos": ("n_bins", "threshold", "window"),
    "lof": ("n_neighbors", "threshold", "window"),
    "ocsvm": ("kernel", "nu", "threshold", "window"),
    "pca": ("threshold", "window"),
}
PREPROCESSING = ("diffs_n", "lags_n", "smooth_n")
WORDS = {"method": ("largest", "mean", "median"), "kernel": None}
RANGES: dict[str, tuple[float, float, str]] = {
    "threshold": (0.0, 1.0, "Sensitivity threshold"),
    "window": (5, 1000, "Window size"),
    "n_estimators": (10, 500, "Number of trees"),
    "n_neighbors": (1, 50, "Number of neighbors"),
    "n_bins": (5, 50, "Number of bins"),
    "multiplier": (0.5, 10.0, "IQR multiplier"),
}
STEPS = {"smooth_n": (30, "Smoothing window"), "lags_n": (10, "Lag features")}


def detector(value: Any, attr: str) -> Data:
    """A detector, or an ensemble of at least two, with every key of its type. Raises `Invalid`."""
    sent = mapping(value, attr)
    if sent.get("type") != "ensemble":
        return _single(sent, attr)
    parts = sent.get("detectors")
    known = set(sent) <= {"type", "operator", "detectors"}
    if not known or sent.get("operator") not in ("and", "or") or not isinstance(parts, list):
        raise _malformed(attr)
    if len(parts) < 2:
        raise Invalid("Ensemble detector requires at least 2 sub-detectors.", attr)
    return {**sent, "detectors": [_single(part if isinstance(part, dict) else {}, attr) for part in parts]}


def _malformed(attr: str) -> Invalid:
    return Invalid("Invalid detector configuration.", attr)


def _single(sent: Data, attr: str) -> Data:
    names = TYPES.get(str(sent.get("type")))
    steps = sent.get("preprocessing")
    if names is None or set(sent) - {"type", "preprocessing", *names}:
        raise _malformed(attr)
    if steps is not None and (not isinstance(steps, dict) or set(steps) - set(PREPROCESSING)):
        raise _malformed(attr)
    found = {"type": sent["type"], "preprocessing": None, **{name: sent.get(name) for name in names}}
    if steps is not None:
        found["preprocessing"] = {name: steps.get(name) for name in PREPROCESSING}
    _check(found, attr)
    return found


def _check(found: Data, attr: str) -> None:
    steps = found["preprocessing"] or {}
    for name, value in {**found, **steps}.items():
        if value is None or name in ("type", "preprocessing"):
            continue
        if name in WORDS:
            if not isinstance(value, str) or (WORDS[name] and value not in (WORDS[name] or ())):
                raise _malformed(attr)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise _malformed(attr)
        elif name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
            low, high, label = RANGES[name]
            raise Invalid(f"{label} must be between {low} and {high}.", attr)
        elif name in STEPS and not 0 <= value <= STEPS[name][0]:
            raise Invalid(f"{STEPS[name][1]} must be between 0 and {STEPS[name][0]}.", attr)
