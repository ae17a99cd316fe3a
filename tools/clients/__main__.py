"""``python -m tools.clients`` (`make docs`): the client of examples/ai_service anew, from the samples."""

from pathlib import Path

from ai_admin.clients import generate
from ai_admin.definitions.check import check

ROOT = Path(__file__).parents[2]

for name, text in generate(check(ROOT / "docs" / "samples").indexes).items():
    path = ROOT / "examples" / "ai_service" / name
    path.write_bytes(text.encode())
    print(path.relative_to(ROOT))
