"""What an event changes about its person.

Source: PostHog's person-property-utils.ts and its twin in Rust. Traps: what a browser says of every page isn't worth a
write of its own, and comes along only with something that is; `$exception` and `$$heatmap` change nobody.
"""

from typing import Any

from sandbox.evaluation.initial import INITIAL
from sandbox.evaluation.values import as_object

Properties = dict[str, Any]

CHANGE_NOBODY = frozenset({"$exception", "$$heatmap"})
ALWAYS_WRITTEN = frozenset({"$identify", "$create_alias", "$merge_dangerously", "$set"})
_NAMES = (
    "$current_url $pathname $referring_domain $referrer $screen_height $screen_width $viewport_height $viewport_width"
    " $browser $browser_version $device_type $raw_user_agent $os $os_name $os_version $geoip_postal_code"
    " $geoip_time_zone $geoip_latitude $geoip_longitude $geoip_accuracy_radius $geoip_subdivision_1_code"
    " $geoip_subdivision_1_name $geoip_subdivision_2_code $geoip_subdivision_2_name $geoip_subdivision_3_code"
    " $geoip_subdivision_3_name $geoip_city_confidence $geoip_country_confidence $geoip_postal_code_confidence"
    " $geoip_subdivision_1_confidence $geoip_subdivision_2_confidence"
)
_OF_EVERY_PAGE = frozenset(_NAMES.split())


def updated(event: str, sent: Properties, known: Properties) -> Properties | None:
    """The person's properties after an event with these properties; None when nothing is to be written.

    `$set_once` fills what is missing, `$set` and what the event itself says of the person overwrite, `$unset` removes.
    """
    if event in CHANGE_NOBODY:
        return None
    adapted = {name: sent[name] for name in sent if name in INITIAL}
    always = {**adapted, **as_object(sent.get("$set"))}
    once = {**{INITIAL[name]: value for name, value in adapted.items()}, **as_object(sent.get("$set_once"))}
    unset = sent.get("$unset")
    gone = {str(name) for name in unset if str(name) in known} if isinstance(unset, (list, dict)) else set[str]()
    new = {name: value for name, value in once.items() if name not in known and name not in always}
    changed = {name: value for name, value in always.items() if name not in known or known[name] != value}
    worth = (
        bool(gone) or any(name not in _OF_EVERY_PAGE for name in (*new, *changed)) or not changed.keys() <= known.keys()
    )
    if not (worth or (event in ALWAYS_WRITTEN and (new or changed))):
        return None
    after = {**known, **new, **changed}
    return {name: value for name, value in after.items() if name not in gone}
