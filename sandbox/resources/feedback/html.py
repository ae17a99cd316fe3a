"""HTML that can do no harm: PostHog's allow-list for the texts of surveys (nh3_clean_with_allow_list)."""

import nh3

ANYWHERE = {"style", "lang", "title", "width", "height"}
_CELL = {"abbr", "axis", "bgcolor", "nowrap", "scope", "valign"}
# What PostHog allows beyond nh3's own list.
MORE = {
    "a": {"target"},
    "ol": {"type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "frame", "rules"},
    "tbody": {"valign"},
    "td": _CELL,
    "th": _CELL,
    "thead": {"valign"},
    "tr": {"bgcolor", "valign"},
}
ATTRIBUTES = {tag: nh3.ALLOWED_ATTRIBUTES.get(tag, set()) | MORE.get(tag, set()) for tag in nh3.ALLOWED_TAGS}


def sanitised(value: str) -> str:
    """A text whose HTML can do no harm; text without HTML stays as it is."""
    if not nh3.is_html(value):
        return value
    return nh3.clean(value, attributes={**ATTRIBUTES, "*": ANYWHERE}, link_rel="noopener")
