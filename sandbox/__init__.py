"""A local PostHog-compatible server: the embedded default, and the double that every promise is measured against."""
