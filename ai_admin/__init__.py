"""AI Admin: PostHog's AI features as reviewed code."""

__version__ = "0.1.0"
