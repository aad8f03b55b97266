"""The application: every route measured, its caller known, its errors told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from itdash import probe

from ..errors import ArchiveError, NotAllowed, NotAuthenticated, Rejected
from .admin import AdminApi
from .exchange import Call, answer, failure, refusal
from .people import PeopleApi
from .vods import VodApi

if TYPE_CHECKING:
    from ..health import Health
    from ..parts import Parts
    from ..publishing import PublishingService
    from ..records import Role, User
    from .exchange import Endpoint

_log = logging.getLogger(__name__)


class Api:
    """The endpoints, for one archive."""

    def __init__(self, parts: Parts, publishing: PublishingService, health: Health) -> None:
        self._accounts = parts.accounts
        self._body_limit = parts.settings.body_limit
        self._health = health
        self._endpoints: list[Endpoint] = [
            *PeopleApi(parts.accounts).endpoints(),
            *AdminApi(parts, health).endpoints(),
            *VodApi(parts, publishing).endpoints(),
        ]

    def application(self) -> Starlette:
        routes = [Route("/api/health", self._healthy, methods=["GET"]), *map(self._route, self._endpoints)]
        return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_route})

    def _route(self, endpoint: Endpoint) -> Route:
        name = f"{endpoint.method} {endpoint.path}"

        async def handle(request: Request) -> Response:
            try:
                async with probe.operation("request", route=name):
                    try:
                        user, session = await self._caller(request, endpoint.role)
                        return await endpoint.handler(Call(request, user, session, self._body_limit))
                    except Rejected as error:
                        # The caller's mistake: told, but no error of the archive.
                        return refusal(error)
            except ArchiveError as error:
                _log.warning("%s failed: %s", name, error)
                return refusal(error)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody hears it
            except Exception as error:
                _log.error("%s failed", name, exc_info=error)
                return failure(500, "InternalError", "an error of the archive itself; its log has more")

        return Route(endpoint.path, handle, methods=[endpoint.method])

    async def _caller(self, request: Request, role: Role | None) -> tuple[User | None, str]:
        """Who asks, if the route wants to know, or NotAuthenticated or NotAllowed."""
        if role is None:
            return None, ""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("a token is needed: Authorization: Bearer ...")
        user, session = await self._accounts.authenticate(token)
        if not user.may(role):
            raise NotAllowed(f"this needs the role {role}, and {user.name} is {user.role}")
        return user, session

    async def _healthy(self, _: Request) -> Response:
        return answer(await self._health.check())


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "NotFound" if error.status_code == 404 else "MethodNotAllowed"
    response = failure(error.status_code, kind, error.detail)
    response.headers.update(error.headers or {})
    return response
