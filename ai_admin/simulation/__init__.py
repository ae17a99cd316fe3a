"""A believable company's use of AI enhancements, as events: a sandbox's dashboards and alerts need something to show.

The events are those of `events/ai_enhancement_used.yaml`, the person properties those of `events/installation.yaml`.
The same seed, numbers and end give the same events with the same ids.
"""

from ai_admin.simulation.installations import Company, Installation, company
from ai_admin.simulation.traffic import Incident, Run, incidents, runs

__all__ = ["Company", "Incident", "Installation", "Run", "company", "incidents", "runs"]
