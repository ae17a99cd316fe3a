"""Cohorts, persons and groups."""
