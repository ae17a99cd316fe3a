"""One request in, one answer out: bodies, compression, errors, the request log."""
