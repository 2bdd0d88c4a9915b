"""Writes docs/reference/ and the list of decisions, of the code and of the records themselves. `make docs` runs it."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reference_commands import commands_page
from reference_http import http_page
from reference_metrics import metrics_page
from reference_parts import Undescribed, table
from reference_settings import settings_page

DOCS: Final = Path(__file__).parent.parent / "docs"


def files() -> Mapping[str, str]:
    """Each page by its path beneath docs/. Raises Undescribed where something has no description."""
    return {
        "reference/settings.md": settings_page(),
        "reference/commands.md": commands_page(),
        "reference/http.md": http_page(),
        "reference/metrics.md": metrics_page(),
        "decisions/README.md": decisions_page(),
    }


def decisions_page() -> str:
    """Every record by its number."""
    rows = []
    for record in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = re.match(r"# (\d+)[.:]? (.+)", record.read_text("utf-8"))
        if title is None or int(title[1]) != int(record.name[:4]):
            raise Undescribed(f"{record.name} does not begin with its number and a title")
        rows.append((record.name[:4], f"[{title[2]}]({record.name})"))
    intro = "What the next person would question, each under a page: what was decided, why, and what was not taken."
    return "\n".join(["# Decisions", "", intro, "", *table(("", ""), rows)]) + "\n"


def main() -> None:
    for name, text in files().items():
        target = DOCS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        print(f"wrote docs/{name}", file=sys.stderr)


if __name__ == "__main__":
    main()
