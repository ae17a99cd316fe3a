"""Typed clients, generated from definitions: a reader for each flag and a capture function for each event.

A module is the text of ``runtime.py`` or ``runtime.ts``, which are checked like all other code, and below it what
``python.py`` or ``typescript.py`` writes line by line: no template engine is among the packages that an apply needs,
and a template could not be checked.
"""

from ai_admin.clients.contents import NotGenerated
from ai_admin.clients.generate import FILES, FOLDER, STALE, generate, stale

__all__ = ["FILES", "FOLDER", "STALE", "NotGenerated", "generate", "stale"]
