"""Longer runs of what the tests run a share of, each behind a command of its own."""
