"""HTML that can do no harm: PostHog's allow-list for the texts of surveys (nh3_clean_with_allow_list)."""

import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym area article aside b bdi bdo blockquote br caption center cite code col colgroup data dd del "
        "details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li map "
        "mark nav ol p pre q rp rt rtc ruby s samp small span strike strong sub summary sup table tbody td th thead "
        "time tr tt u ul var wbr",
    )
)
ANYWHERE = frozenset({"style", "lang", "title", "width", "height"})
_ALIGNED = "align char charoff"
_CELL = f"abbr {_ALIGNED} axis bgcolor colspan headers nowrap rowspan scope valign"
ATTRIBUTES = {
    tag: frozenset(names.split())
    for tag, names in {
        "a": "href hreflang target",
        "bdo": "dir",
        "blockquote": "cite",
        "col": f"{_ALIGNED} span",
        "colgroup": f"{_ALIGNED} span",
        "del": "cite datetime",
        "hr": "align size",
        "img": "align alt src",
        "ins": "cite datetime",
        "ol": "start type",
        "q": "cite",
        "table": f"{_ALIGNED} bgcolor border cellpadding cellspacing frame rules summary",
        "tbody": f"{_ALIGNED} valign",
        "td": _CELL,
        "th": _CELL,
        "thead": f"{_ALIGNED} valign",
        "tr": f"{_ALIGNED} bgcolor valign",
    }.items()
}
ADDRESSES = ("href", "src", "cite")
SCHEMES = ("", "http", "https", "mailto", "tel")
WITH_CONTENT = ("script", "style")  # these go with what stands in them; of other tags the content stays


def sanitised(value: str) -> str:
    """A text whose HTML can do no harm; text without HTML stays as it is."""
    if not re.search(r"<[a-zA-Z!/]", value):
        return value
    cleaner = _Cleaner()
    cleaner.feed(value)
    cleaner.close()
    return "".join(cleaner.parts)


class _Cleaner(HTMLParser):
    """Keeps known tags with known attributes, and of addresses those of harmless schemes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in WITH_CONTENT:
            self.hidden += 1
        elif tag in TAGS and not self.hidden:
            kept = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if _kept(tag, name, value or ""))
            self.parts.append(f"<{tag}{kept}" + (' rel="noopener">' if tag == "a" else ">"))

    def handle_endtag(self, tag: str) -> None:
        if tag in WITH_CONTENT:
            self.hidden = max(self.hidden - 1, 0)
        elif tag in TAGS and not self.hidden:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(escape(data, quote=False))


def _kept(tag: str, name: str, value: str) -> bool:
    if name not in ANYWHERE and name not in ATTRIBUTES.get(tag, ()):
        return False
    return name not in ADDRESSES or urlsplit(value.strip()).scheme in SCHEMES
