"""From the author's form to canonical properties: one module per kind of file.

Each has ``expand(unit, world)``, which takes a unit that passed every check and yields the resources it
stands for, before :meth:`providers.posthog.kinds.Kind.canonical` fills in the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ai_admin.definitions.expand import (
    action,
    alert,
    annotation,
    cohort,
    dashboard,
    event,
    experiment,
    flag,
    subscription,
)
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World

EXPAND: dict[str, Callable[[Unit, World], Iterator[Definition]]] = {
    "flag": flag.expand,
    "cohort": cohort.expand,
    "event": event.expand,
    "dashboard": dashboard.expand,
    "insight": dashboard.expand_insight,
    "alert": alert.expand,
    "action": action.expand,
    "experiment": experiment.expand,
    "subscription": subscription.expand,
    "annotation": annotation.expand,
}
