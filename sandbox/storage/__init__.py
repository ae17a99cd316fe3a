"""The database, and JSON as it is stored."""
