"""Hog functions, their templates, and integrations."""
