"""A sample of every field of every kind, for the tests of the laws that hold for all of them.

A new kind is one more module here and one more line in ``SAMPLES``: a :class:`~tests.support.samples.base.Samples` with
a :class:`~tests.support.samples.base.Sample` for each field of the kind's table. A kind or a field without one fails
``tests/unit/posthog/test_tables.py``. What samples refer to (``Ref("insight", "trend")``) stands in ``world.py``.
"""

from __future__ import annotations

from tests.support.samples.alerts import ALERTS, NOTIFICATIONS
from tests.support.samples.base import Sample, Samples
from tests.support.samples.beside import ACTIONS, ANNOTATIONS, SUBSCRIPTIONS
from tests.support.samples.boards import DASHBOARDS, INSIGHTS, TILES
from tests.support.samples.catalogue import EVENTS, PROPERTIES
from tests.support.samples.cohorts import COHORTS
from tests.support.samples.experiments import EXPERIMENTS
from tests.support.samples.flags import FLAGS

SAMPLES: dict[str, Samples] = {
    "event": EVENTS,
    "property": PROPERTIES,
    "cohort": COHORTS,
    "flag": FLAGS,
    "dashboard": DASHBOARDS,
    "insight": INSIGHTS,
    "tiles": TILES,
    "alert": ALERTS,
    "notification": NOTIFICATIONS,
    "action": ACTIONS,
    "experiment": EXPERIMENTS,
    "subscription": SUBSCRIPTIONS,
    "annotation": ANNOTATIONS,
}

__all__ = ["SAMPLES", "Sample", "Samples"]
