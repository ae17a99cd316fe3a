"""What differs between PostHog installations, as switches of the sandbox. The defaults are PostHog
Cloud's.
"""

from dataclasses import dataclass, fields
from ipaddress import ip_network
from typing import Any


@dataclass
class Settings:
    """Switches, changed at run time by `PATCH /_sandbox/settings`.

    Attributes:
        enforced_filter_rules: which cross-field rules of flag filters refuse a write: "*" (all), or rule
            codes separated by commas. PostHog's production enforces none (it logs them only), its own tests
            enforce all.
        evaluation_contexts: whether the organisation has the evaluation tags feature; without it they are
            ignored.
        early_exit: whether the organisation may use early_exit in flags.
        sql_alerts: whether alerts on SQL insights are switched on.
        alert_limit: alerts a project may have; 0 is no limit. PostHog's free plan has 5.
        flag_limit: flags a project may have; 0 is no limit.
        approvals: whether the organisation has change approvals (a paid feature); without policies of its own a
            project gates switching a flag on and changing its rollout (409 with a change request).
        advanced_permissions: whether sharing with passwords and access control are available (a paid
            feature).
        taxonomy: whether descriptions, tags and verification of events and properties are supported (a paid
            feature).
        refuses_unknown_tokens: whether capture answers 401 to a token that no project has; otherwise it answers 200
            and drops the events, as PostHog does where its edge doesn't know the tokens.
        quota_limited: whether the quota for feature flag requests is used up: `/flags` answers without flags,
            local evaluation 402.
        high_frequency_alerts: whether alerts may be checked in real time and every 15 minutes (paid features).
        allowed_ip_blocks: networks (CIDR, separated by commas) that may use an installation of one's own; "" is all.
        recalculation_delay: seconds until a cohort is recalculated after it has been saved.
    """

    enforced_filter_rules: str = ""
    evaluation_contexts: bool = True
    early_exit: bool = True
    sql_alerts: bool = True
    alert_limit: int = 0
    flag_limit: int = 2000
    approvals: bool = False
    advanced_permissions: bool = True
    taxonomy: bool = True
    refuses_unknown_tokens: bool = True
    quota_limited: bool = False
    high_frequency_alerts: bool = True
    allowed_ip_blocks: str = ""
    recalculation_delay: float = 0.2

    def change(self, values: dict[str, Any]) -> None:
        """Set the switches named in `values`; a value must have the type of the present one.

        Raises:
            ValueError: an unknown switch, or a value of another type.
        """
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            wanted = type(getattr(self, name))
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if type(value) is not wanted:
                raise ValueError(f"{name} must be {wanted.__name__}, not {type(value).__name__}")
            if name == "allowed_ip_blocks":
                [ip_network(block.strip()) for block in value.split(",") if value]  # raises ValueError
            setattr(self, name, value)

    def enforces(self, rule: str) -> bool:
        """Whether a cross-field rule of flag filters refuses a write."""
        return self.enforced_filter_rules == "*" or rule in self.enforced_filter_rules.split(",")
