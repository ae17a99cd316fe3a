"""The reference documentation, written from the JSON Schemas: ``python -m ai_admin.review.reference``."""

from __future__ import annotations

from ai_admin.review.reference.pages import reference

__all__ = ["reference"]
