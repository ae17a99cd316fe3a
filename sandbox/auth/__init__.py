"""Who asks, and what they may do: keys, scopes; the levels of access controls."""
