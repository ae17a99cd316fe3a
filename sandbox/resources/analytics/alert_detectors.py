"""An alert's detector of anomalies: what PostHog takes, and how it is read.

Source: DetectorConfig of PostHog's posthog/schema.py, and `_validate_detector_params` in
products/alerts/backend/presentation/views/alert.py, 2026-09.

Trap: it is read with every key of its type, null where none was sent. Its numbers are not looked into.
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
    return found
