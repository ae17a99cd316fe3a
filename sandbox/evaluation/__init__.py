"""How PostHog decides what a flag answers: pure functions over plain data, no store and no network.

Written from PostHog's flag service, not from any SDK, so that a mistake of a client under test isn't shared.
"""
