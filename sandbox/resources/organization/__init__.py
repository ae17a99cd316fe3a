"""Accounts, organisations, projects, members, roles, access controls, the activity log."""
