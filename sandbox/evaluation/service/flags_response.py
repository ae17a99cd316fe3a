"""The responses of `/flags` and `/decide`: one evaluation, five shapes.

A shape takes the flags by key, their matches, and the members every response has.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.evaluation.evaluate import Match
from sandbox.evaluation.flags import Flag
from sandbox.storage.store import Data

Flags = Mapping[str, Flag]
Matches = Mapping[str, Match]
Shape = Callable[[Flags, Matches, Data], Data]

_MINIMAL_CONFIGURATION: Data = {
    "supportedCompression": ["gzip", "gzip-js"],
    "config": {"enable_collect_everything": True},
    "toolbarParams": {},
    "isAuthenticated": False,
    "sessionRecording": False,
}


def for_flags(version: int) -> Shape:
    """The shape of `/flags?v=`: 1 values and payloads, 2 details, from 3 on details with one typed value."""
    return values if version < 2 else details if version == 2 else typed


def for_decide(version: int) -> Shape:
    """The shape of `/decide?v=`: 1 enabled keys, 2 enabled values, 3 values and payloads, from 4 on details."""
    return {2: enabled_values, 3: values}.get(version, enabled_keys if version < 4 else details)


def details(flags: Flags, matches: Matches, envelope: Data) -> Data:
    """Version 2: everything about each flag."""
    return {**envelope, "flags": {key: _detail(flags[key], match) for key, match in matches.items()}}


def typed(flags: Flags, matches: Matches, envelope: Data) -> Data:
    """Version 3 and 4: one typed `value` instead of `enabled` and `variant`, null when the flag failed.

    Source: FlagDetailsV3 in PostHog's rust/feature-flags, and what posthog-python 7.91 reads of `v=4`.
    """
    return {**envelope, "flags": {key: _typed(flags[key], match) for key, match in matches.items()}}


def values(_: Flags, matches: Matches, envelope: Data) -> Data:
    """Version 1: `featureFlags` with false ones too, and the payloads there are."""
    return {
        **envelope,
        "featureFlags": {key: match.value for key, match in matches.items()},
        "featureFlagPayloads": {key: match.payload for key, match in matches.items() if match.payload is not None},
    }


def enabled_values(_: Flags, matches: Matches, envelope: Data) -> Data:
    """`/decide?v=2`: the enabled flags' values."""
    on = {key: match.value for key, match in matches.items() if match.enabled}
    return {**_without_errors(envelope), "featureFlags": on}


def enabled_keys(_: Flags, matches: Matches, envelope: Data) -> Data:
    """`/decide?v=1`: the enabled flags' keys."""
    return {**_without_errors(envelope), "featureFlags": [key for key, match in matches.items() if match.enabled]}


def minimal(shape: Shape) -> Data:
    """The answer to a GET: no flags, and just enough configuration."""
    envelope: Data = {
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid.uuid4()),
        "evaluatedAt": int(time.time() * 1000),
    }
    return {**shape({}, {}, envelope), **_MINIMAL_CONFIGURATION}


def configuration(token: str, has_flags: bool) -> Data:
    """The SDK's configuration: everything that isn't flags is off here."""
    return {
        **_MINIMAL_CONFIGURATION,
        "token": token,
        "hasFeatureFlags": has_flags,
        "surveys": False,
        "heatmaps": False,
        "capturePerformance": False,
        "autocaptureExceptions": False,
        "autocapture_opt_out": False,
        "captureDeadClicks": False,
        "defaultIdentifiedOnly": True,
        "elementsChainAsString": True,
        "siteApps": [],
        "analytics": {"endpoint": "/i/v0/e/"},
    }


def _without_errors(envelope: Data) -> Data:
    return {name: value for name, value in envelope.items() if name != "errorsWhileComputingFlags"}


def _detail(flag: Flag, match: Match) -> Data:
    detail: Data = {
        "key": flag.key,
        "enabled": match.enabled,
        "variant": match.variant,
        "reason": _reason(match),
        "metadata": _metadata(flag, match),
    }
    return {**detail, "failed": True} if match.failed else detail


def _typed(flag: Flag, match: Match) -> Data:
    metadata = {**_metadata(flag, match), "config_version": 1}
    if match.variant is not None:
        metadata["variant_key"] = match.variant
    value: Any = None if match.failed else match.value
    record: Data = {"key": flag.key, "value": value, "reason": _reason(match), "metadata": metadata}
    return {**record, "failed": True} if match.failed else record


def _reason(match: Match) -> Data:
    return {"code": match.code, "condition_index": match.condition_index, "description": match.description}


def _metadata(flag: Flag, match: Match) -> Data:
    return {
        "id": flag.id,
        "version": flag.version,
        "description": None,
        "payload": match.payload,
        "has_experiment": flag.has_experiment,
    }
