"""What every sandbox would do first, once before the forks: find its kinds, make its routes, and import what uvicorn
chooses; and what PostHog's parser learns from the first texts that it reads, which takes longer than to read them."""

import uvicorn.lifespan.on
import uvicorn.loops.asyncio
import uvicorn.loops.auto
import uvicorn.protocols.websockets.auto  # noqa: F401

from sandbox import app
from sandbox.query import native

SELECTS = (
    "SELECT event, count() AS n FROM events WHERE timestamp > now() - INTERVAL 1 DAY GROUP BY event ORDER BY n DESC",
    "SELECT toString(id) FROM persons WHERE (properties.version = '1.2' AND properties.channel IN ('a', 'b'))",
    "SELECT sum(properties.tokens) FROM events AS e WHERE and(equals(event, 'a'), or(e.x = 1, y != 2)) LIMIT 10",
)

for _text in SELECTS:
    native.parse(_text, "select")

app.router()
