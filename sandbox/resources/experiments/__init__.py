"""Experiments, their holdouts and saved metrics."""
