"""What PostHog publishes about its API and queries, brought down to names that tests compare this repository with."""
