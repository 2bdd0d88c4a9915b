"""`/lab`: pick what goes wrong, press play, see both sides. The address of a run is the run."""

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from einmal.entrypoints.lab.run import run
from einmal.entrypoints.lab.seen import Run
from einmal.entrypoints.lab.trouble import SEED_MAX, Trouble
from einmal.entrypoints.web.app import routed
from einmal.entrypoints.web.pages import HEADERS, NotThere
from einmal.entrypoints.web.site import Site
from einmal.settings import Settings
from einmal.speech.said import Language

AT_ONCE: Final = 2
WAITING_MAX: Final = 8
"""Each run takes a processor for half a second. Who comes when so many wait is asked to come again."""


def has_lab(settings: Settings) -> bool:
    """Only where nothing is real: on the built-in simulator, and on this machine."""
    return settings.simulated and settings.loopback


def lab_routes(site: Site) -> list[BaseRoute]:
    return routed(site, [("GET", "/lab", Lab(site).show)])


@dataclass(slots=True)
class Lab:
    site: Site
    _running: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)
    _waiting: int = field(default=0, init=False)

    async def show(self, request: Request) -> Response:
        if not has_lab(self.site.gateway.settings):
            raise NotThere("trouble_no_page")
        visitor = self.site.pages.visitor(request)
        trouble, seed = _trouble(request.query_params.get("fault")), _seed(request.query_params.get("seed"))
        if trouble is not None and seed is None:
            drawn = secrets.randbelow(SEED_MAX) + 1
            return RedirectResponse(f"/lab?fault={trouble}&seed={drawn}", 303, headers=HEADERS)
        played, is_busy = None, False
        if trouble is not None and seed is not None:
            played = await self._played(trouble, seed, Language(self.site.pages.language(request)))
            is_busy = played is None
        return self.site.pages.page(
            request,
            visitor,
            "lab.html",
            503 if is_busy else 200,
            run=played,
            is_busy=is_busy,
            troubles=tuple(Trouble),
            chosen=trouble or Trouble.LOST_ANSWER,
            seed=seed,
            seed_max=SEED_MAX,
        )

    async def _played(self, trouble: Trouble, seed: int, language: Language) -> Run | None:
        """The run, or None while too many others wait for theirs."""
        if self._waiting >= WAITING_MAX:
            return None
        self._waiting += 1
        try:
            async with self._running:
                # In a thread of its own: a run has an event loop of its own, in which time is virtual.
                return await asyncio.to_thread(run, trouble, seed, language)
        finally:
            self._waiting -= 1


def _trouble(text: str | None) -> Trouble | None:
    return next((one for one in Trouble if one.value == text), None)


def _seed(text: str | None) -> int | None:
    if text is None or re.fullmatch(r"[0-9]{1,4}", text) is None:
        return None
    return int(text)
