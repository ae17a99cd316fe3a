"""Integrations: read and delete. OAuth kinds such as Slack come into being in a browser; the sandbox seeds one."""

from typing import Any, ClassVar

from sandbox.rest.fields import CREATED_AT, CREATED_BY, ID, read_only
from sandbox.rest.listing import same
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid


class Integrations(Resource):
    kind, collection, scope, log_scope = "integration", "integrations", "integration", "Integration"
    life, environments = Life.HARD, True
    operations = frozenset({"list", "retrieve", "destroy"})
    search, named = (), "display_name"
    filters: ClassVar = {"kind": same("kind")}
    fields = (
        ID,
        read_only("kind"),
        read_only("config"),
        CREATED_AT,
        CREATED_BY,
        read_only("errors", ""),
        read_only("display_name"),
    )

    def actions(self) -> list[Action]:
        return [Action("channels", self._channels)]

    def _channels(self, context: Context, row: Data) -> Any:
        """`GET :id/channels/`: the Slack channels the workspace shows; `?channel_id=` one of them."""
        if row["kind"] != "slack":
            raise Invalid("Channels are only available for Slack integrations.")
        wanted = context.query.get("channel_id")
        channels = [each for each in row["channels"] if wanted in (None, each["id"])]
        return {"channels": channels, "lastRefreshedAt": row["created_at"]}


INTEGRATIONS = Integrations()
