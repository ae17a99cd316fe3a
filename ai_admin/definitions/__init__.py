"""Definitions: YAML files to checked, resolved resources. Knows no network, no Pulumi, no PostHog client."""

from ai_admin.definitions.load import load
from ai_admin.definitions.model import Definition, Definitions, Problem, Source

__all__ = ["Definition", "Definitions", "Problem", "Source", "load"]
