"""What all kinds of PostHog's REST API share: fields, lists, the five operations, the activity log, routes."""
