"""The sandbox's own tests: they speak HTTP to it, or call what is pure."""
