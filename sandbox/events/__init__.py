"""Events: captured, processed into persons, groups and names."""
