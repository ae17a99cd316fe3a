"""PostHog's kinds, one module each. A new kind is a module beside these and a name in `RESOURCES`."""

from types import ModuleType

from sandbox.resource import Resource
from sandbox.resources import account, activity_log, organizations, projects
from sandbox.resources.cohorts import Cohorts
from sandbox.resources.flags import Flags

RESOURCES: list[Resource] = [Flags(), Cohorts()]

# Modules whose paths have another shape than a collection below a project or organisation; each offers
# `routes()`.
MODULES: tuple[ModuleType, ...] = (account, activity_log, organizations, projects)
