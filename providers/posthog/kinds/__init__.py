"""The kinds, by name. A new kind is one module here, one schema and one line below."""

from __future__ import annotations

from providers.posthog.kinds.action import ACTION
from providers.posthog.kinds.alert import ALERT
from providers.posthog.kinds.annotation import ANNOTATION
from providers.posthog.kinds.base import Directory, Field, Kind, Reading, Ref
from providers.posthog.kinds.cohort import COHORT
from providers.posthog.kinds.dashboard import DASHBOARD
from providers.posthog.kinds.event import EVENT
from providers.posthog.kinds.experiment import EXPERIMENT
from providers.posthog.kinds.flag import FLAG
from providers.posthog.kinds.insight import INSIGHT
from providers.posthog.kinds.notification import NOTIFICATION
from providers.posthog.kinds.property import PROPERTY
from providers.posthog.kinds.subscription import SUBSCRIPTION
from providers.posthog.kinds.tiles import TILES

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        EVENT,
        PROPERTY,
        ACTION,
        COHORT,
        FLAG,
        EXPERIMENT,
        DASHBOARD,
        INSIGHT,
        TILES,
        ALERT,
        NOTIFICATION,
        SUBSCRIPTION,
        ANNOTATION,
    )
}

__all__ = ["KINDS", "Directory", "Field", "Kind", "Reading", "Ref"]
