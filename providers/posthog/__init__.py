"""PostHog: the kinds, their comparison, the HTTP client and the Pulumi dynamic provider over them."""
