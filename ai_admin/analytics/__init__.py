"""What events say, asked of PostHog's query API."""
