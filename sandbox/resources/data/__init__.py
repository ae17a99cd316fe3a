"""Names and shapes of events and properties, actions, and the events themselves."""
