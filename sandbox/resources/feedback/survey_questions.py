"""A survey's questions and texts: what is accepted, and what is left of the HTML in them.

Source: PostHog's survey.py. Trap: a question without an `id` gets one, and responses are kept by it; so the ids have to
be sent back.
"""

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from sandbox.resources.feedback.html import sanitised
from sandbox.storage.store import Data
from sandbox.wire.errors import Invalid

TEXTS = ("buttonText", "lowerBoundLabel", "upperBoundLabel")
THANKS = ("thankYouMessageHeader", "thankYouMessageDescription", "thankYouMessageCloseButtonText")
MAIL = re.compile(r"mailto:[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}")


def questions(value: Any, attr: str) -> list[Data]:
    """The questions to store, each with an id. Raises `Invalid`."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Invalid("Questions must be a list of objects", attr)
    return [_question(each, index, attr) for index, each in enumerate(value, 1)]


def _question(sent: Data, number: int, attr: str) -> Data:
    if not sent.get("question"):
        raise Invalid("Question text is required", attr)
    cleaned = dict(sent)
    for name, label in (("question", "text"), ("description", "description"), *((each, each) for each in TEXTS)):
        if sent.get(name):
            if not isinstance(sent[name], str):
                raise Invalid(f"Question {label} must be a string", attr)
            cleaned[name] = sanitised(sent[name])
    if sent.get("choices"):
        cleaned["choices"] = _choices(sent["choices"], attr)
    if sent.get("descriptionContentType") not in (None, "", "text", "html"):
        raise Invalid("Question descriptionContentType must be one of ['text', 'html']", attr)
    if sent.get("link"):
        cleaned["link"] = _link(sent["link"], number, attr)
    if sent.get("validation") is not None:
        _check_validation(sent["validation"], attr)
    cleaned["id"] = sent.get("id") or str(uuid.uuid4())
    return cleaned


def _choices(sent: Any, attr: str) -> list[str]:
    if not isinstance(sent, list):
        raise Invalid("Question choices must be a list of strings", attr)
    for each in sent:
        if not isinstance(each, str):
            raise Invalid("Question choices must be strings", attr)
        if not each.strip():
            raise Invalid("Question choices cannot be empty", attr)
    return [sanitised(each) for each in sent]


def _link(link: Any, number: int, attr: str) -> str:
    if not isinstance(link, str):
        raise Invalid(f"Question {number}: link must be a string", attr)
    scheme = urlsplit(link).scheme
    if scheme not in ("https", "mailto"):
        raise Invalid("Link must be a URL with one of these schemes: [https, mailto]", attr)
    if scheme == "mailto" and not MAIL.fullmatch(link):
        raise Invalid("Invalid mailto link. Please enter a valid mailto link (e.g., mailto:example@domain.com).", attr)
    if scheme == "https" and not urlsplit(link).netloc:
        raise Invalid("Invalid HTTPS URL. Please enter a valid HTTPS link.", attr)
    return sanitised(link)


def _check_validation(rules: Any, attr: str) -> None:
    if not isinstance(rules, list):
        raise Invalid("Question validation must be a list of validation rules", attr)
    lengths: dict[str, int] = {}
    for rule in rules:
        if not isinstance(rule, dict):
            raise Invalid("Each validation rule must be an object", attr)
        kind, value = rule.get("type"), rule.get("value")
        if kind not in ("min_length", "max_length", "email"):
            raise Invalid("Validation rule type must be one of: min_length, max_length, email", attr)
        if kind != "email" and value is not None:
            if not isinstance(value, int) or value <= 0:
                raise Invalid(f"Validation rule value for {kind} must be a positive integer", attr)
            lengths[kind] = value
    if lengths.get("min_length", 0) > lengths.get("max_length", lengths.get("min_length", 0)):
        raise Invalid("Minimum length cannot be greater than maximum length", attr)


def appearance(value: Any, attr: str) -> Data:
    """How the survey looks. Raises `Invalid`."""
    if not isinstance(value, dict):
        raise Invalid("Appearance must be an object", attr)
    cleaned = dict(value)
    for name in THANKS:
        if isinstance(value.get(name), str):
            cleaned[name] = sanitised(value[name])
    if value.get("thankYouMessageDescriptionContentType") not in (None, "", "text", "html"):
        raise Invalid("thankYouMessageDescriptionContentType must be one of ['text', 'html']", attr)
    delay = value.get("surveyPopupDelaySeconds")
    if isinstance(delay, int | float) and delay < 0:
        raise Invalid("Survey popup delay seconds must be a positive integer", attr)
    if value.get("whiteLabel") is not None and not isinstance(value["whiteLabel"], bool):
        raise Invalid("whiteLabel must be a boolean", attr)
    return cleaned
