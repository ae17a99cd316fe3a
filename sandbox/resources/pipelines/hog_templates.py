"""The templates that hog functions are made from: Slack and webhook, with PostHog's inputs and defaults."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.rest.listing import whole
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound

Schema = list[dict[str, Any]]


def _input(key: str, kind: str, label: str, required: bool = False, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "label": label, "required": required, "secret": False, "hidden": False, **more}


SLACK_BLOCKS: list[dict[str, Any]] = [
    {"text": {"text": "*{person.name}* triggered event: '{event.event}'", "type": "mrkdwn"}, "type": "section"},
    {
        "type": "actions",
        "elements": [
            {"url": "{person.url}", "text": {"text": "View Person in PostHog", "type": "plain_text"}, "type": "button"},
            {"url": "{source.url}", "text": {"text": "Message source", "type": "plain_text"}, "type": "button"},
        ],
    },
]

SLACK_INPUTS: Schema = [
    _input(
        "slack_workspace",
        "integration",
        "Slack workspace",
        True,
        integration="slack",
        requiredScopes="channels:read groups:read chat:write chat:write.customize",
    ),
    _input(
        "channel",
        "integration_field",
        "Channel to post to",
        True,
        integration_key="slack_workspace",
        integration_field="slack_channel",
    ),
    _input("icon_emoji", "string", "Emoji icon", default=":hedgehog:"),
    _input("username", "string", "Bot name", default="PostHog"),
    _input(
        "blocks", "json", "Blocks", default=SLACK_BLOCKS, description="(see https://api.slack.com/block-kit/building)"
    ),
    _input(
        "text",
        "string",
        "Plain text message",
        default="*{person.name}* triggered event: '{event.event}'",
        description="Optional fallback message if blocks are not provided or supported",
    ),
]

SLACK_CODE = """let message := {
  'channel': inputs.channel,
  'icon_emoji': inputs.icon_emoji,
  'username': inputs.username,
  'blocks': inputs.blocks,
  'text': inputs.text
}
let answer := fetch('https://slack.com/api/chat.postMessage', {
  'body': message,
  'method': 'POST',
  'headers': {'Authorization': f'Bearer {inputs.slack_workspace.access_token}', 'Content-Type':
  'application/json'}
})
if (answer.status != 200 or not answer.body.ok) {
  throw Error(f'Slack refused the message: {answer.status}: {answer.body}')
}"""

WEBHOOK_METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
WEBHOOK_INPUTS: Schema = [
    _input("url", "string", "Webhook URL", True),
    _input(
        "method",
        "choice",
        "Method",
        default="POST",
        choices=[{"label": method, "value": method} for method in WEBHOOK_METHODS],
    ),
    _input("body", "json", "JSON Body", default={"event": "{event}", "person": "{person}"}),
    _input("headers", "dictionary", "Headers", default={"Content-Type": "application/json"}),
    _input(
        "debug", "boolean", "Log responses", default=False, description="Logs the response of http calls for debugging."
    ),
]

WEBHOOK_CODE = """let request := {
  'headers': inputs.headers,
  'body': inputs.body,
  'method': inputs.method
}
if (inputs.debug) {
  print('Request', inputs.url, request)
}
let answer := fetch(inputs.url, request)
if (answer.status >= 400) {
  throw Error(f'Webhook failed with status {answer.status}: {answer.body}')
}"""


def _template(identifier: str, name: str, description: str, icon: str, code: str, inputs: Schema) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": name,
        "description": description,
        "type": "destination",
        "status": "stable",
        "free": identifier == "template-slack",
        "category": ["Custom"],
        "icon_url": icon,
        "code": code,
        "code_language": "hog",
        "inputs_schema": inputs,
        "filters": None,
        "masking": None,
        "mapping_templates": None,
    }


TEMPLATES: dict[str, dict[str, Any]] = {
    template["id"]: template
    for template in (
        _template(
            "template-slack",
            "Slack",
            "Sends a message to a Slack channel",
            "/static/services/slack.png",
            SLACK_CODE,
            SLACK_INPUTS,
        ),
        _template(
            "template-webhook",
            "HTTP Webhook",
            "Sends a webhook templated by the incoming event data",
            "/static/posthog-icon.svg",
            WEBHOOK_CODE,
            WEBHOOK_INPUTS,
        ),
    )
}


def routes() -> list[BaseRoute]:
    """`hog_function_templates/`: what functions may be made from; read-only."""
    read = ("hog_function:read",)
    base = "hog_function_templates"
    return [*both(base, GET=(read, _list)), *both(f"{base}/{{id}}", GET=(read, _retrieve))]


def _list(context: Context) -> Any:
    wanted = [each for each in context.query.get("types", context.query.get("type", "destination")).split(",") if each]
    found = [each for each in TEMPLATES.values() if each["type"] in wanted]
    return whole(found)


def _retrieve(context: Context) -> Any:
    found = TEMPLATES.get(context.param("id"))
    if found is None:
        raise NotFound()
    return found
