"""Signing in, in a real browser: off loopback the pages are nobody's who does not know the token."""

from pathlib import Path

from support.browser import PHONE, browse, shot, site
from support.world import world

OFF_LOOPBACK = {"EINMAL_HOST": "0.0.0.0", "EINMAL_ADMIN_TOKEN": "right", "EINMAL_READER_TOKEN": "reads"}  # noqa: S104


async def test_the_token_opens_the_pages_and_signing_out_closes_them(tmp_path: Path) -> None:
    """The cookie is kept from scripts, from other sites and from other hosts."""
    async with world(tmp_path, **OFF_LOOPBACK) as here, site(here) as url:
        steps = [["goto", "/calls"], ["address", "sent"], ["see", "form"], ["type", "#secret", "wrong"]]
        steps += [["press", "main button"], ["see", "wrong"], ["type", "#secret", "right"]]
        steps += [["press", "main button"], ["see", "inside"], ["cookies", "kept"]]
        steps += [["press", "header form button"], ["see", "left"], ["goto", "/"], ["address", "outside"]]
        shots = {one: shot(f"sign-in-{one}") for one in ("form", "wrong")}
        seen = await browse("steps.mjs", url, steps=steps, shots=shots, **PHONE)
    for one in ("form", "wrong", "left"):
        assert (seen.result[one]["violations"], seen.result[one]["sideways"]) == ([], 0)
    assert seen.result["sent"] == "/sign-in?next=/calls"
    assert seen.result["wrong"]["errors"] == ["Das war nicht richtig."]
    assert seen.result["left"]["heading"] == "Anmelden"
    assert seen.result["outside"] == "/sign-in?next=/"
    assert seen.elsewhere == []
    kept = {cookie["name"]: cookie for cookie in seen.result["kept"]}
    assert set(kept) == {"__Host-einmal", "__Host-einmal-browser"}
    for cookie in kept.values():
        flags = {name: cookie[name] for name in ("path", "httpOnly", "secure", "sameSite")}
        assert flags == {"path": "/", "httpOnly": True, "secure": True, "sameSite": "Strict"}
