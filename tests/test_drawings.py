"""What is drawn from the code says what the code says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMPORTS = runpy.run_path(str(ROOT / "scripts" / "draw_imports.py"))


def test_the_picture_of_the_imports_is_of_this_code() -> None:
    """Whoever moves a module runs `make docs`."""
    assert IMPORTS["TARGET"].read_text(encoding="utf-8") == IMPORTS["drawn"]()


def test_every_import_in_the_picture_points_down() -> None:
    """The order of the picture is one in which nobody needs whom comes later: there is no circle of imports."""
    order = [name for name, _ in IMPORTS["PLACES"]]
    lead, _ = IMPORTS["imports"]()
    assert lead
    assert [pair for pair in lead if order.index(pair[0]) < order.index(pair[1])] == []
