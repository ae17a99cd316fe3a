"""Usage, cost and errors of a product's AI features, from PostHog's queries: by installation, model and day.

`product.py` is the one place that names the event and the properties that are counted.
"""

from ai_admin.numbers.caps import Cap
from ai_admin.numbers.installations import Installation, Report, installations
from ai_admin.numbers.metrics import metrics
from ai_admin.numbers.period import Period

__all__ = ["Cap", "Installation", "Period", "Report", "installations", "metrics"]
