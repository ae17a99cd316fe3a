"""What flags give an installation: PostHog's own local evaluation, over the payloads that the provider sends.

Nothing here decides whom a filter matches; PostHog's SDK does. Importing this package imports the SDK, so that the
command line does it only in the commands that evaluate.
"""

from ai_admin.evaluation.answers import Asked
from ai_admin.evaluation.flag_tests import Outcome, Report, run
from ai_admin.evaluation.persons import Person
from ai_admin.evaluation.served import Served, resources, served, standing

__all__ = ["Asked", "Outcome", "Person", "Report", "Served", "resources", "run", "served", "standing"]
