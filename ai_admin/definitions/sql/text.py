"""The text of SQL queries."""

from __future__ import annotations

import re

COMMENT = re.compile(r"--[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
"""A comment; no character is looked at more than a few times, whatever the text."""
