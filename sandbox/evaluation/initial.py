"""Which properties of an event describe the person, and the `$initial_` twin each has.

Source: PERSON_PROPERTIES_ADAPTED_FROM_EVENT and CAMPAIGN_PROPERTIES of PostHog's taxonomy.
"""

from typing import Any

_FROM_EVENT = (
    "$app_build $app_name $app_namespace $app_version $browser $browser_version $device_type $current_url"
    " $pathname $os $os_version $referring_domain $referrer $screen_height $screen_width $viewport_height"
    " $viewport_width $raw_user_agent"
)
_CAMPAIGN = (
    "utm_source utm_medium utm_campaign utm_content utm_term gclid gad_source gclsrc dclid gbraid wbraid"
    " fbclid msclkid twclid li_fat_id mc_cid igshid ttclid rdt_cid epik qclid sccid irclid _kx"
)
INITIAL = {name: f"$initial_{name.removeprefix('$')}" for name in f"{_FROM_EVENT} {_CAMPAIGN}".split()}


def with_initial(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties with every missing `$initial_` twin filled in from its present counterpart.

    PostHog's flag service does so because ingestion may not have written them yet.
    """
    missing = {
        INITIAL[name]: value
        for name, value in properties.items()
        if name in INITIAL and INITIAL[name] not in properties
    }
    return {**properties, **missing}
