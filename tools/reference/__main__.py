"""``python -m tools.reference``: writes docs/reference anew."""

from __future__ import annotations

from tools.reference.pages import ROOT, reference

FOLDER = ROOT / "docs" / "reference"


def main() -> None:
    """Write every page, and remove what is no page any more."""
    written = reference()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
