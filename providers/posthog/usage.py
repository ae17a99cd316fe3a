"""What uses an object in PostHog: shown to somebody who may adopt it, and a reason not to delete it.

Objects that need the deleted one and do not belong to this stack prevent a deletion. PostHog refuses some deletions in
the middle of a run (a cohort that a flag uses), and extends others to objects that nobody meant (an insight's alerts).
So they are looked for first, and only if something is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Kind, mappings
from providers.posthog.kinds.insight import shown_on
from providers.posthog.kinds.tiles import described

Entry = Mapping[str, Any]

_ACTION_PLACES = (
    ("kind", "ActionsNode", "id"),
    ("type", "actions", "id"),
    ("event_type", "actions", "key"),
    ("seq_event_type", "actions", "seq_event"),
)
"""Where a mapping names an action: what says that it does, and the key of the id. The first is in a series of a
query, the second in its retention, the others in a cohort's criteria."""


_TO_DO = {"survey": "unlink or delete that in PostHog (archived, it still uses it)"}
"""What to do about a user, by its kind, where that is not to change it."""


class User(NamedTuple):
    """Something in PostHog that needs an object: its kind and id, and what it does with the object."""

    kind: str
    id: str
    says: str


def blockers(
    client: Client, before: Mapping[str, Entry], after: Collection[str], replaced: Collection[str] = ()
) -> list[str]:
    """Return what prevents deleting what is in ``before`` and not in ``after``, a line each.

    Both are manifests by Pulumi name; the entries of ``before`` hold the ids in PostHog. ``replaced`` are names in both
    whose object goes as well, since another one takes its place. What is this stack's own is not in the way: it goes
    too, or stops using the object before that goes. Asks PostHog nothing when nothing goes.
    """
    ours = {(Ref.parse(name).kind, str(entry.get("id"))) for name, entry in before.items()}
    look = _Look(client)
    found = []
    for name in sorted(before.keys() - set(after) | set(replaced)):
        refusal = f"{name} can't be replaced:" if name in after else f"{name} can't be deleted:"
        try:
            users = list(look.users(Ref.parse(name).kind, str(before[name].get("id", ""))))
        except ApiError as error:
            found.append(f"{name} is not deleted, as PostHog does not say who else needs it: {error}")
        else:
            found += [f"{refusal} {user.says}" for user in users if user[:2] not in ours]
    return found


class CohortUsers(NamedTuple):
    """The flags, the insights or the cohorts that use a cohort."""

    kind: str
    named: Sequence[Entry]
    """What PostHog says of them."""
    unnamed: int
    """The number of those of which it says nothing: it names 100, and has no next page
    (https://github.com/PostHog/posthog, posthog/api/cohort.py, ``used_in``).
    """


def users_of_cohort(client: Client, id_: Any) -> Iterator[CohortUsers]:
    """Yield who uses a cohort, by kind. Raises ``ApiError``."""
    used = client.get(client.project_path(f"cohorts/{id_}/used_in"))
    for part, kind in (("feature_flags", "flag"), ("insights", "insight"), ("cohorts", "cohort")):
        block = used.get(part, {})
        named = block.get("results", ())
        yield CohortUsers(kind, named, block.get("total", len(named)) - len(named))


def users(client: Client, kind: Kind, live: Mapping[str, Any]) -> list[str]:
    """Return what uses a live object; empty where nothing does or PostHog does not say. Raises ``ApiError``."""
    if kind.name == "insight":
        boards = set(shown_on(live))
        found = client.pages(client.project_path("dashboards")) if boards else ()
        return [f"the dashboard {board['name']!r} ({board['id']})" for board in found if board["id"] in boards]
    if kind.name == "cohort":
        said = []
        for uses in users_of_cohort(client, live["id"]):
            said += [f"the {uses.kind} {each.get('key') or each.get('name')!r} ({each['id']})" for each in uses.named]
            said += [f"{uses.unnamed} more {uses.kind}s"] if uses.unnamed else []
        return said
    return []


class _Look:
    """Asks PostHog who needs an object; what serves several objects is asked once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inventory = Inventory(client)

    def users(self, kind: str, id_: str) -> Iterator[User]:
        """Yield who needs an object. Raises ``ApiError``."""
        if kind in GUARDED and id_:
            try:
                yield from GUARDED[kind](self, id_)
            except ApiError as error:
                if error.status != 404:  # it is gone already
                    raise

    def _of_cohort(self, id_: str) -> Iterator[User]:
        for kind, named, unnamed in users_of_cohort(self._client, id_):
            yield from (User(kind, str(user["id"]), _uses(kind, user)) for user in named)
            if unnamed:  # nobody knows whose these are
                says = f"{unnamed} of the {len(named) + unnamed} {kind}s that use it PostHog does not name; first apply"
                yield User(kind, "", f"{says} that no {kind} uses it, and delete it in a later run")
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
        surveys = (*(flag.get("surveys") or ()), *(each for each in self._surveys if _asks_by_flag(each, id_)))
        for each in {each["id"]: each for each in surveys}.values():
            yield User("survey", str(each["id"]), _uses("survey", each))
        if flag.get("is_used_in_replay_settings"):
            yield User("project", "", "the project's session replay settings use it; change that in PostHog")

    def _of_dashboard(self, id_: str) -> Iterator[User]:
        """Yield what people put on a dashboard: it would go with it."""
        for tile in self._client.get(self._client.project_path(f"dashboards/{id_}")).get("tiles") or ():
            insight, author = tile.get("insight") or {}, ((tile.get("text") or {}).get("created_by") or {}).get("id")
            if insight or author not in (None, self._inventory.user_id()):
                yield User("insight", str(insight.get("id")), f"{described(tile)} is on it; move that in PostHog")

    def _of_insight(self, id_: str) -> Iterator[User]:
        for board in shown_on(self._client.get(self._client.project_path(f"insights/{id_}"))):
            says = f"it is on the dashboard {board}, which is not of this stack; take it off there in PostHog"
            yield User("dashboard", str(board), says)
        for alert in self._alerts:
            if str((alert.get("insight") or {}).get("id")) == id_:
                says = f"the alert {alert['name']!r} ({alert['id']}) would go with it; move or delete that in PostHog"
                yield User("alert", str(alert["id"]), says)

    def _of_action(self, id_: str) -> Iterator[User]:
        for kind, content in (("insight", "query"), ("cohort", "filters")):
            yield from (user for user, tree in self._all(kind, content) if _names_action(tree, id_))

    def _of_insight_variable(self, id_: str) -> Iterator[User]:
        for user, query in self._all("insight", "query"):
            if any(str(node.get("variableId")) == id_ for node in mappings(query)):
                yield user

    def _of_holdout(self, id_: str) -> Iterator[User]:
        yield from (user for user, holdout in self._all("experiment", "holdout_id") if str(holdout) == id_)

    def _of_saved_metric(self, id_: str) -> Iterator[User]:
        for user, links in self._all("experiment", "saved_metrics"):
            if any(str(link["saved_metric"]) == id_ for link in links or ()):
                yield user

    def _all(self, kind_name: str, content: str) -> Iterator[tuple[User, Any]]:
        """Yield of all live objects of a kind that they use something, and what the field ``content`` holds.

        Lists of experiments leave out what they use, so these are read one by one.
        """
        kind = KINDS[kind_name]
        for id_, listed in list(self._inventory.all(kind).items()):
            live = listed if content in listed else self._inventory.get(kind, id_)
            if live and not live.get("deleted"):
                yield User(kind_name, id_, _uses(kind_name, live)), live.get(content)

    @cached_property
    def _alerts(self) -> list[dict[str, Any]]:
        return list(self._client.pages(self._client.project_path("alerts")))

    @cached_property
    def _surveys(self) -> list[dict[str, Any]]:
        try:
            return list(self._inventory.all(KINDS["survey"]).values())
        except ApiError as error:
            if error.status == 403:  # a stack without surveys needs no scope for them; a flag tells those linked to it
                return []
            raise

    @cached_property
    def _test_accounts(self) -> list[dict[str, Any]]:
        try:
            project = self._client.project()
        except ApiError as error:
            if error.status == 403:  # the settings may be another matter than the cohorts: PostHog itself still looks
                return []
            raise
        return project.get("test_account_filters") or []


GUARDED: Mapping[str, Callable[[_Look, str], Iterator[User]]] = {
    "action": _Look._of_action,
    "cohort": _Look._of_cohort,
    "dashboard": _Look._of_dashboard,
    "flag": _Look._of_flag,
    "holdout": _Look._of_holdout,
    "insight": _Look._of_insight,
    "insight_variable": _Look._of_insight_variable,
    "saved_metric": _Look._of_saved_metric,
}
"""By the kinds that others may need, what yields who needs an object."""


def _uses(kind: str, user: Entry) -> str:
    name = user.get("key") or user.get("name")
    return f"the {kind} {name!r} ({user['id']}) uses it; {_TO_DO.get(kind, 'change that in PostHog')}"


def _asks_by_flag(survey: Entry, id_: str) -> bool:
    """Say whether a survey chooses people by a flag; a draft's own flag is off, and so depends on none yet."""
    chosen = survey.get("targeting_flag") or {}
    return str(chosen.get("id")) == id_ or any(
        node.get("type") == "flag" and str(node.get("key")) == id_ for node in mappings(chosen.get("filters"))
    )


def _names_action(tree: Any, id_: str) -> bool:
    """Say whether a query or a cohort's criteria name an action."""
    return any(
        node.get(mark) == value and str(node.get(place)) == id_
        for node in mappings(tree)
        for mark, value, place in _ACTION_PLACES
    )
