"""The tutorial, from its first command to its last, as a newcomer types it: what it shows is what comes."""

import re
import urllib.request
from pathlib import Path

from support.pages import ROOT, blocks, terminal
from support.ports import free_port

PAGE = "docs/tutorial.md"


def test_the_tutorial_is_true(tmp_path: Path) -> None:
    """Every command of it, and every page that it opens. Only its ports are others, which nobody has just now."""
    gateway = free_port()
    instead = {"127.0.0.1:8080": f"127.0.0.1:{gateway}"}
    with terminal(tmp_path, instead, EINMAL_PORT=str(gateway)) as typed:
        first, *rest = [one for one in blocks(PAGE) if one.commands]
        typed.keep(first.text, first.told("keeps running") or "")
        simulator = re.search(r"listens on http://(127\.0\.0\.1:\d+) ", typed.printed)
        assert simulator is not None
        typed.instead = instead | {"127.0.0.1:8090": simulator[1]}
        typed.carry_out(PAGE, skipped=frozenset({first.text}))
        assert len(typed.ran) == 1 + len(rest)
        for address in re.findall(r"<(http://127\.0\.0\.1:8080[^>]*)>", (ROOT / PAGE).read_text("utf-8")):
            with urllib.request.urlopen(address.replace("8080", str(gateway)), timeout=10) as page:  # noqa: S310
                assert page.status == 200, address
