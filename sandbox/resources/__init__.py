"""PostHog's kinds, one module each, in a folder per family. `sandbox/rest/registry.py` finds them."""
