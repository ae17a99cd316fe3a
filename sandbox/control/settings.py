"""What differs between PostHog servers, as switches of the sandbox.

PostHog Cloud is the newest, self-hosted servers are months behind, and features are switched on per
organisation. Where versions differ, the default is the inconvenient value: what PostHog of 2026-07 was seen to do.
"""

import json
import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sandbox.messages.transport import mail_server


@dataclass
class Settings:
    """Switches: changed by `PATCH /_sandbox/settings`, or given at the start with `--settings JSON`."""

    # What a write of a flag's `filters` does. `replace`: PostHog of 2026-07. A PATCH of filters without `groups`
    # answers 200 and they are ignored; with `groups` they replace the whole column, so that variants, payloads and
    # holdout are gone unless they are sent; every rule refuses (`flag_filters_older.py`). `merge`: the later one.
    # Sent top-level keys are laid over the stored ones; rules between fields refuse nothing (`flag_filters.py`).
    filters: Literal["replace", "merge"] = "replace"

    # `light`: experiments in a list lack 13 fields, metrics among them; only a GET of one has them. `whole`: they
    # have all.
    experiment_lists: Literal["light", "whole"] = "light"

    # `on_request`: an insight's deprecated field `dashboards` is answered with `?include_dashboards=true` only
    # (PostHog's INSIGHT_DASHBOARDS_OPT_IN_ENFORCED). `served`: always. `dashboard_tiles[].dashboard_id` is there
    # either way.
    insight_dashboards: Literal["on_request", "served"] = "on_request"

    # Fields that PostHog switches on per organisation: flags' `evaluation_contexts` and `filters.early_exit`,
    # subscriptions' `summary_prompt_guide`. `dropped`: 200, and not stored. `refused`: as PostHog answers where all
    # three are off (early_exit 400, summary_prompt_guide 403; evaluation contexts have no refusal, they are dropped).
    # `kept`: the organisation has them.
    gated_fields: Literal["dropped", "refused", "kept"] = "dropped"

    # What GET, PATCH and DELETE by the id of an event definition that is gone answer. `error`: 500, for ever.
    # `not_found`: 404.
    missing_event_definition: Literal["error", "not_found"] = "error"

    # Whether a new flag gets a dashboard "Generated Dashboard: <key> Usage" with two insights, unless
    # `_should_create_usage_dashboard: false` is sent. Later versions make none.
    usage_dashboards: bool = True

    # For so many seconds after the first use of a tag, another flag made with it answers 500 and is stored without
    # its tags: flags made at once with one new tag, which PostHog's writes of tags race for. 0: never.
    tag_race: float = 0.0

    # Whether alerts on SQL insights are switched on.
    sql_alerts: bool = True

    # Alerts a project may have; 0 is no limit. PostHog's free plan has 5.
    alert_limit: int = 0

    # Flags a project may have; 0 is no limit.
    flag_limit: int = 2000

    # Whether the organisation has change approvals (a paid feature); without policies of its own a project gates
    # switching a flag on and changing its rollout (409 with a change request).
    approvals: bool = False

    # Whether descriptions, tags and verification of events and properties are supported (a paid feature).
    taxonomy: bool = True

    # Whether capture answers 401 to a token that no project has; otherwise it answers 200 and drops the events, as
    # PostHog does where its edge doesn't know the tokens.
    refuses_unknown_tokens: bool = True

    # Whether the quota for feature flag requests is used up: `/flags` answers without flags, local evaluation 402.
    quota_limited: bool = False

    # Whether alerts may be checked in real time and every 15 minutes (paid features).
    high_frequency_alerts: bool = True

    # Whether an alert that stays firing sends its message with each check, as PostHog's do. Otherwise it sends one when
    # it begins to fire.
    alert_repeats: bool = False

    # Where messages of template-slack go instead of https://slack.com, such as `http://127.0.0.1:9000`; "" is nowhere.
    slack_url: str = ""

    # `host:port` of the server that takes e-mail; "" is the folder `mail` beside the database.
    smtp: str = ""

    # Seconds until a message that was not delivered is tried again; the next pause is twice as long.
    delivery_pause: float = 1.0

    # Seconds until a cohort is recalculated after it has been saved.
    recalculation_delay: float = 0.2

    def change(self, values: dict[str, Any]) -> None:
        """Set the switches named in `values`; all of them, or none when one is wrong.

        Raises:
            ValueError: an unknown switch, a value of another type, or one that it can't have.
        """
        types = get_type_hints(type(self))
        checked = {name: _checked(name, types.get(name), value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)


def from_option(text: str) -> Settings:
    """The settings of a start with this JSON object; "" gives the defaults.

    Raises:
        ValueError: no JSON object, or what `change` refuses.
    """
    settings = Settings()
    values = json.loads(text or "{}")
    if not isinstance(values, dict):
        raise ValueError("settings are an object of switches")
    settings.change(values)
    return settings


def _checked(name: str, wanted: Any, value: Any) -> Any:
    if wanted is None:
        known = ", ".join(sorted(field.name for field in fields(Settings)))
        raise ValueError(f"unknown setting {name!r}; known: {known}")
    if get_origin(wanted) is Literal:
        choices = get_args(wanted)
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise ValueError(f"{name} must be {wanted.__name__}, not {type(value).__name__}")
    if wanted in (int, float) and not 0 <= value < math.inf:
        raise ValueError(f"{name} must be 0 or more, not {value}")
    if name == "smtp" and value:
        mail_server(value)
    return value
