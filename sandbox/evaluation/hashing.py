"""Where an identifier falls between 0 and 1: PostHog's one hash, for rollouts, variants and holdouts."""

import hashlib

_SCALE = float(0xFFFFFFFFFFFFFFF)


def bucket(prefix: str, identifier: str, salt: str = "") -> float:
    """The place of `identifier` in [0, 1], the same on every call.

    An empty identifier hashes to 0.0, thus inside every rollout, even one of 0 %: PostHog keeps it so for the sake of
    flags aggregated by a group whose key is empty.

    Source: calculate_hash in PostHog's rust/feature-flags; both sides of the division are rounded to a double first.
    """
    if not identifier:
        return 0.0
    digest = hashlib.sha1(f"{prefix}{identifier}{salt}".encode("utf-8", "replace"), usedforsecurity=False)
    return float(int.from_bytes(digest.digest()[:8], "big") >> 4) / _SCALE
