"""Who asks, and what they may do: keys, sessions, scopes, access controls."""
