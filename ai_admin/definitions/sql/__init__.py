"""The SQL in definitions (PostHog's dialect HogQL), read offline with PostHog's own parser."""
