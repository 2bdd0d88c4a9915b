"""Signing in and out. Whoever fails hears nothing of why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from einmal.entrypoints.web.entrance import NotAllowed, SignInNeeded, TooManyTries, from_our_page, read_form
from einmal.entrypoints.web.pages import HEADERS, Pages

Note = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SignIn:
    """`note` writes into the audit log what somebody did."""

    pages: Pages
    note: Note

    async def show(self, request: Request) -> Response:
        if not self.pages.entrance.possible:
            self.pages.visitor(request)  # whoever may look without signing in needs no form
            return RedirectResponse("/", 303, headers=HEADERS)
        return self._form(request)

    async def enter(self, request: Request) -> Response:
        fields = await read_form(request)
        if not from_our_page(request):
            raise NotAllowed("form")  # another site would sign its visitors in as somebody, or use up the tries
        now = self.pages.clock.now()
        try:
            session = await self.pages.entrance.sign_in(request, fields.get("secret", ""), now)
        except TooManyTries as wait:
            response = self._form(request, 429, "sign_in_wait")
            response.headers["Retry-After"] = str(ceil(wait.seconds))
            return response
        if session is None:
            await self.note("sign_in_failed")
            return self._form(request, 401, "sign_in_wrong")
        await self.note(f"signed_in_{session.role}")
        response = RedirectResponse(_own_path(fields.get("next")), 303, headers=HEADERS)
        self.pages.entrance.know(request, response.headers)
        self.pages.entrance.keep(response.headers, session)
        return response

    async def leave(self, request: Request) -> Response:
        try:
            visitor = self.pages.visitor(request)
            await self.pages.entrance.form(request, visitor, needs=None)
        except SignInNeeded:
            pass  # somebody whose session is over leaves all the same
        response = RedirectResponse("/sign-in", 303, headers=HEADERS)
        self.pages.entrance.forget(response.headers)
        return response

    def _form(self, request: Request, status: int = 200, wrong: str | None = None) -> Response:
        path = _own_path(request.query_params.get("next"))
        return self.pages.page(request, None, "sign_in.html", status, wrong=wrong, next_path=path)


def _own_path(path: str | None) -> str:
    """A path of ours, whatever a link says: `//elsewhere` and `/\\elsewhere` are addresses of others."""
    if path is None or not path.startswith("/") or path[1:2] in {"/", "\\"} or any(ord(c) < 33 for c in path):
        return "/"
    return path
