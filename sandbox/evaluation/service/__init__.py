"""Flags evaluated for SDKs: /flags, /decide, local evaluation, remote configuration."""
