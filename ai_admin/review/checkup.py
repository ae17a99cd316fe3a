"""What `ai-admin doctor` looks at, gathered from the files, from Git and from PostHog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from ai_admin.definitions import load
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import TOP_FOLDERS, find
from ai_admin.definitions.stacks import view
from ai_admin.review.changes import Action, Warnings
from ai_admin.review.doctor import Facts
from ai_admin.review.history import Past
from ai_admin.review.plan import Planned, planned_for
from ai_admin.review.stack import Reviewed
from ai_admin.safety.left_over import left_over
from ai_admin.stackfile import consent_source
from providers.posthog.coming import scheduled, waiting
from providers.posthog.errors import NoHistory, Problem
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.usage import users


def facts(root: Path, stack: str | None, opened: Reviewed | None, days: int) -> Facts:
    """Return the facts about a stack's definitions, those of the files that have no problems.

    Args:
        root: the checkout.
        stack: the stack; None: the definitions as they are written.
        opened: the stack, to ask PostHog; None: PostHog is not asked.
        days: after how many days something counts as left over.

    Raises ``Problem`` where PostHog can't be asked.
    """
    definitions, now = load(root, stack, partly=True), datetime.now(UTC)
    known = Facts(
        definitions.resources,
        now,
        {Ref(each.kind, each.key): view(each, stack).value for each in map(Document, find(root)) if each.key},
        _changed(root, now),
        days=days,
        broken=definitions.broken,
    )
    if opened is None:
        return known
    session = opened.session(Warnings())
    inventory = session.inventory
    ids = {ref: each.id for ref, each in opened.state.resources.items()}

    def elsewhere(ref: Ref) -> Iterable[str]:
        kind = KINDS[ref.kind]
        live = inventory.get(kind, ids[ref]) if ref in ids else None
        return users(inventory.client, kind, live) if live else ()

    key = inventory.client.get("/api/personal_api_keys/@current/")
    live = inventory.all(KINDS["flag"]).values()
    flags = {str(each["key"]): each for each in live if not each.get("deleted")}
    return replace(
        known,
        flags=flags,
        elsewhere=elsewhere,
        consents=lambda: _left_over(opened),
        key=key,
        policies=session.approvals.policies,
        coming=lambda off: chain(scheduled(inventory.client, off), waiting(session.approvals, off)),
    )


def _left_over(opened: Reviewed) -> dict[str, str]:
    """Return the consents that nothing needs which an `up` would change, each with its file and line.

    Raises ``Problem`` where it is not known what an `up` would change.
    """
    given = opened.settings.consents
    if not given:
        return {}
    found = planned_for(opened, count=False)
    if not isinstance(found, Planned):
        raise Problem("; ".join(found))
    moving = [each for each in found.outlook.changes if each.action is not Action.NOTHING]
    changing = {ref.key for each in moving for ref in (each.ref, each.former) if ref}
    words = left_over(given, found.plan.needed, changing)
    return {word: consent_source(opened.root, opened.stack, word) for word in words}


def _changed(root: Path, now: datetime) -> dict[str, str]:
    """Return when each file was changed last; one that is not as it was committed, now. Empty without Git."""
    try:
        past = Past(root)
        edited = past.repository.uncommitted(TOP_FOLDERS)
    except NoHistory:
        return {}
    committed = {file.path: each.at for each in past.commits for file in each.files}
    return committed | dict.fromkeys(edited, now.isoformat())
