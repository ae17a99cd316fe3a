"""The same numbers, counted slowly in plain Python: what `sandbox/query` is checked against.

Nothing here uses the code that it checks. Each module has functions that draw a random query, and others that answer
what must come out of it.
"""
