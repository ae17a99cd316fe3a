"""What prevents a deletion: objects in PostHog that need what would go, and are none of this stack's.

PostHog refuses some of these deletions half-way through a run (a cohort that a flag uses), and carries others out
together with what nobody meant (an insight's alerts). So they are looked for first, and only when something goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.kinds import Ref
from providers.posthog.kinds.insight import shown_on
from providers.posthog.kinds.tiles import described

Entry = Mapping[str, Any]


class User(NamedTuple):
    """Something in PostHog that needs an object: its kind and id, and what it does with the object."""

    kind: str
    id: str
    says: str


def blockers(client: Client, before: Mapping[str, Entry], after: Collection[str]) -> list[str]:
    """Return what prevents deleting what is in ``before`` and not in ``after``, a line each.

    Both are manifests by Pulumi name; the entries of ``before`` hold the ids in PostHog. What is this stack's own is
    not in the way: it goes as well, or stops using the object before that goes. Asks PostHog nothing when nothing goes.
    """
    ours = {(kind_of(name), str(entry.get("id"))) for name, entry in before.items()}
    look = _Look(client)
    found = []
    for name in sorted(before.keys() - set(after)):
        try:
            users = list(look.users(kind_of(name), str(before[name].get("id", ""))))
        except ApiError as error:
            found.append(f"{name} is not deleted, as PostHog does not say who else needs it: {error}")
        else:
            found += [f"{name} can't be deleted: {user.says}" for user in users if user[:2] not in ours]
    return found


def kind_of(name: str) -> str:
    """Return the kind in a Pulumi name (``flag/ai-model-version``)."""
    return Ref.parse(name).kind


class _Look:
    """Asks PostHog who needs an object; what serves several objects is asked once."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def users(self, kind: str, id_: str) -> Iterator[User]:
        """Yield who needs an object. Raises ``ApiError``."""
        finders = {
            "cohort": self._of_cohort,
            "flag": self._of_flag,
            "insight": self._of_insight,
            "dashboard": self._of_dashboard,
        }
        finder = finders.get(kind)
        if finder and id_:
            try:
                yield from finder(id_)
            except ApiError as error:
                if error.status != 404:  # it is gone already
                    raise

    def _of_cohort(self, id_: str) -> Iterator[User]:
        used = self._client.get(self._client.project_path(f"cohorts/{id_}/used_in"))
        for part, kind in (("feature_flags", "flag"), ("insights", "insight"), ("cohorts", "cohort")):
            for user in used.get(part, {}).get("results", ()):
                name = user.get("key") or user.get("name")
                yield User(kind, str(user["id"]), f"the {kind} {name!r} ({user['id']}) uses it; change that in PostHog")
        if any(each.get("type") == "cohort" and str(each.get("value")) == id_ for each in self._test_accounts):
            yield User(
                "project", "", "the project's filter for internal and test users uses it; change that in PostHog"
            )

    def _of_flag(self, id_: str) -> Iterator[User]:
        flag = self._client.get(self._client.project_path(f"feature_flags/{id_}"))
        if flag.get("deleted"):
            return
        for other in self._client.get(self._client.project_path(f"feature_flags/{id_}/dependent_flags")):
            says = f"the flag {other['key']!r} ({other['id']}) depends on it; change that in PostHog"
            yield User("flag", str(other["id"]), says)
        for each in flag.get("experiment_set_metadata") or ():
            if each.get("is_running"):
                says = f"the experiment {each['name']!r} ({each['id']}) runs on it; stop that in PostHog"
                yield User("experiment", str(each["id"]), says)
        for each in flag.get("features") or ():
            says = f"the early access feature {each['name']!r} uses it; delete that in PostHog"
            yield User("early_access_feature", str(each["id"]), says)
        if flag.get("is_used_in_replay_settings"):
            yield User("project", "", "the project's session replay settings use it; change that in PostHog")

    def _of_dashboard(self, id_: str) -> Iterator[User]:
        """Yield what people put on a dashboard: it would go with it."""
        for tile in self._client.get(self._client.project_path(f"dashboards/{id_}")).get("tiles") or ():
            insight, author = tile.get("insight") or {}, ((tile.get("text") or {}).get("created_by") or {}).get("id")
            if insight or author not in (None, self._me):
                yield User("insight", str(insight.get("id")), f"{described(tile)} is on it; move that in PostHog")

    def _of_insight(self, id_: str) -> Iterator[User]:
        for board in shown_on(self._client.get(self._client.project_path(f"insights/{id_}"))):
            says = f"it is on the dashboard {board}, which is not of this stack; take it off there in PostHog"
            yield User("dashboard", str(board), says)
        for alert in self._alerts:
            if str((alert.get("insight") or {}).get("id")) == id_:
                says = f"the alert {alert['name']!r} ({alert['id']}) would go with it; move or delete that in PostHog"
                yield User("alert", str(alert["id"]), says)

    @cached_property
    def _me(self) -> Any:
        return self._client.get("/api/personal_api_keys/@current/").get("user_id")

    @cached_property
    def _alerts(self) -> list[dict[str, Any]]:
        return list(self._client.pages(self._client.project_path("alerts")))

    @cached_property
    def _test_accounts(self) -> list[dict[str, Any]]:
        try:
            project = self._client.get(f"/api/projects/{self._client.connection.project_id}/")
        except ApiError as error:
            if error.status == 403:  # the settings may be another matter than the cohorts: PostHog itself still looks
                return []
            raise
        return project.get("test_account_filters") or []
