"""The reference documentation, written from the JSON Schemas: ``python -m tools.reference``."""

from __future__ import annotations

from tools.reference.pages import reference

__all__ = ["reference"]
