"""The product's names of what is counted, as in events/. If your events differ, change the names here."""

EVENT = "ai_enhancement_used"
"""One run of an AI enhancement. Its distinct id is the installation."""
INSTALLATION = "installation_id"
"""The person property that every installation has: its id."""
MODEL, ERROR, SUCCESS = "model", "error", "success"
TOKENS, PROMPT_TOKENS, COMPLETION_TOKENS, COST = "total_tokens", "prompt_tokens", "completion_tokens", "estimated_cost"
"""Properties of the event."""
CHANNEL, VERSION, HEALTH = "channel", "version", "health_status"
LAST_ACTIVE = "last_active"
"""Properties of an installation."""
DAILY_CAP = "ai-max-daily-tokens"
"""The flag whose payload is the number of tokens that an installation may use on a day, in UTC."""
MOST_USED = 1_000_000_000
"""No run used more tokens, or US dollars, than this: a run that reports more is mistaken."""
SILENCE = 24
"""After this many hours without a run an installation counts as silent, whatever its last self-check found."""
