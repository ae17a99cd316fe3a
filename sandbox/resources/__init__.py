"""PostHog's kinds, one module each. A new kind is a module beside these and a name in `RESOURCES`."""

from types import ModuleType

from sandbox.resource import Resource
from sandbox.resources import (
    account,
    activity_log,
    advanced_activity,
    hog_templates,
    membership,
    organizations,
    projects,
    public,
    thresholds,
    unanswered,
)
from sandbox.resources.actions import Actions
from sandbox.resources.alerts import ALERTS
from sandbox.resources.annotations import Annotations
from sandbox.resources.approval_policies import ApprovalPolicies
from sandbox.resources.approvals import ChangeRequests
from sandbox.resources.cohorts import COHORTS
from sandbox.resources.dashboard_templates import DashboardTemplates
from sandbox.resources.dashboards import DASHBOARDS
from sandbox.resources.definitions import EventDefinitions, PropertyDefinitions
from sandbox.resources.early_access import EarlyAccessFeatures
from sandbox.resources.event_schemas import EventSchemas
from sandbox.resources.experiments import Experiments
from sandbox.resources.flags import FLAGS
from sandbox.resources.hog_functions import HogFunctions
from sandbox.resources.holdouts import HOLDOUTS
from sandbox.resources.insight_variables import InsightVariables
from sandbox.resources.insights import INSIGHTS
from sandbox.resources.integrations import Integrations
from sandbox.resources.membership import Domains, Invites, ProxyRecords, Roles
from sandbox.resources.playlists import Playlists
from sandbox.resources.property_groups import PropertyGroups
from sandbox.resources.saved_metrics import SavedMetrics
from sandbox.resources.scheduled_changes import ScheduledChanges
from sandbox.resources.subscriptions import Subscriptions
from sandbox.resources.surveys import Surveys

REQUESTS = ChangeRequests(FLAGS)
GROUPS = PropertyGroups()
RESOURCES: list[Resource] = [
    FLAGS,
    COHORTS,
    ScheduledChanges(FLAGS, REQUESTS),
    ApprovalPolicies(),
    REQUESTS,
    INSIGHTS,
    DASHBOARDS,
    ALERTS,
    HogFunctions(),
    Integrations(),
    EventDefinitions(),
    PropertyDefinitions(),
    GROUPS,
    EventSchemas(GROUPS),
    Actions(),
    Annotations(),
    InsightVariables(),
    Experiments(),
    HOLDOUTS,
    SavedMetrics(),
    EarlyAccessFeatures(),
    Surveys(),
    DashboardTemplates(),
    Subscriptions(),
    Playlists(),
    Invites(),
    Roles(),
    Domains(),
    ProxyRecords(),
]

# Modules whose paths have another shape than a collection below a project or organisation; each offers
# `routes()`.
MODULES: tuple[ModuleType, ...] = (
    account,
    activity_log,
    advanced_activity,
    hog_templates,
    membership,
    organizations,
    projects,
    public,
    thresholds,
    unanswered,
)
