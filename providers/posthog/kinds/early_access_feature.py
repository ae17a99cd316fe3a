"""Early access features: what people opt in to, each behind a flag of its own.

PostHog switches the flag's enrolment with the stage, so the flag's file leaves it to PostHog
(``unmanaged: [feature_enrollment]``).
"""

from __future__ import annotations

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import text
from providers.posthog.kinds.wording import CHOICE, SERVE, TEXT, Wording

ENROLLING = ("alpha", "beta", "general-availability")
"""The stages in which PostHog serves the flag to who opted in; entering another one takes that back."""


def choice(flag_key: str) -> str:
    """Return the person property that says whether somebody opted in to a flag (true) or out (false).

    It decides before a holdout and the release conditions (rust/feature-flags/src/flags/flag_matching.rs).
    """
    return f"$feature_enrollment/{flag_key}"


EARLY_ACCESS_FEATURE = Kind(
    name="early_access_feature",
    type="EarlyAccessFeature",
    collection="early_access_feature",
    scope="early_access_feature",
    pages=("early_access_features/{id}",),
    folder="flags/early_access",
    natural_key=("name",),
    same_by=("flag",),
    weight=SERVE,
    numeric_id=False,
    soft_delete=False,
    # A stage changes the flag.
    needs=("feature_flag:write",),
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        # Without it PostHog tells everybody who opted in that the stage is another one, namely none (`update` in
        # products/early_access_features/backend/api.py compares what the request says of it).
        Field("stage", wording=CHOICE, required=True, manageable=True, start="draft", always=True),
        Field("documentation_url", default="", normalise=text, wording=Wording("documentation", weight=TEXT)),
        Field("payload", wording=Wording("payload", each=Wording()), default={}),
        Field(
            "flag",
            ref="flag",
            path=("feature_flag_id",),
            read_path=("feature_flag", "id"),
            immutable=True,
            required=True,
        ),
    ),
    left={
        "assignee": "a person's account or a role, which differ per project; a file's owner is a team",
        "rollout_to_all": "rewrites the flag's release conditions, which its own file says",
    },
)
