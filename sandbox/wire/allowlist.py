"""PostHog's list of allowed addresses (ALLOWED_IP_BLOCKS of an installation of one's own; posthog/middleware.py).

Trap: who isn't on it gets a 403 in plain text, and only after the request has been carried out.
"""

from ipaddress import ip_address, ip_network

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.wire.requestlog import is_logged

ALWAYS = frozenset({"decide", "static", "_health", "flags", "messaging-preferences", "i"})  # first parts of paths
REFUSAL = "PostHog is not available in your region. If you think this is in error, please contact tim@posthog.com."


class Allowlist:
    """ASGI middleware; does nothing while the setting `allowed_ip_blocks` is empty."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        blocks = scope["type"] == "http" and scope["app"].state.services.settings.allowed_ip_blocks
        if not blocks or not is_logged(scope["path"]) or scope["path"].split("/")[1] in ALWAYS:
            await self.app(scope, receive, send)
            return
        address = ip_address(scope["client"][0])
        if any(address in ip_network(block.strip()) for block in blocks.split(",")):
            await self.app(scope, receive, send)
            return

        async def keep_back(_: Message) -> None:
            """The answer that nobody gets to see."""

        await self.app(scope, receive, keep_back)
        await PlainTextResponse(REFUSAL, 403)(scope, receive, send)
