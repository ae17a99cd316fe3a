"""``make pictures``: a picture of each kind of chart for the documentation, from made-up answers."""

from __future__ import annotations

from pathlib import Path

from ai_admin.charts import LIGHT, figure, spec, svg
from tools.pictures.examples import EXAMPLES

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> None:
    """Write ``docs/pictures/*.svg`` anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, (title, (query, answer)) in EXAMPLES.items():
        drawn = svg(spec(figure(query, answer), LIGHT, 640, 220, title), title)
        (FOLDER / f"{name}.svg").write_text(drawn + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
