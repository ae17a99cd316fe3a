"""What makes this server another one: settings, rate limits, faults, and the handles that set them."""
