"""Templates of dashboards of a project (PostHog: dashboard_templates.py).

Traps: DELETE is a 405; nobody is noted as the author, though there is a field for it, a number.
"""

from sandbox.rest.fields import CREATED_AT, ID, TAGS, Field, boolean, choice, items, mapping, read_only, text
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context


class DashboardTemplates(Resource):
    kind, collection, scope, log_scope = ("dashboard_template", "dashboard_templates", "dashboard_template", None)
    inherits_access_from = "dashboard"
    identifier = "uuid"
    search = ("template_name", "dashboard_description")
    fields = (
        ID,
        Field("template_name", text(400), required=True),
        Field("dashboard_description", text(400), default="", null=True),
        Field("dashboard_filters", mapping, null=True),
        TAGS,
        Field("tiles", items(mapping), default=[], null=True),
        Field("variables", items(mapping), null=True),
        Field("deleted", boolean, default=False),
        CREATED_AT,
        read_only("created_by"),
        Field("image_url", text(8201), null=True),
        read_only("team_id"),
        Field("scope", choice("team", "global", "feature_flag"), default="team"),
        Field("availability_contexts", items(text()), null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        return {**super().prepare(context, values, before), "team_id": context.project["id"], "created_by": None}


DASHBOARD_TEMPLATES = DashboardTemplates()
