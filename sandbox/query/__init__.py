"""Queries, computed: HogQL parsed by PostHog's own parser, printed as ClickHouse SQL, run over the captured events."""
