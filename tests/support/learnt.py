"""What a run of ours makes of the schemas before it reads a file: once, before the forks."""

from ai_admin.definitions import schemas
from ai_admin.definitions.forms import FORMS

for _kind in FORMS:
    schemas.schema(_kind)
    schemas.accepts(_kind)
