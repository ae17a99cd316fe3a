"""Who asks, and what they may do: keys, sessions, scopes; the levels of access controls."""
