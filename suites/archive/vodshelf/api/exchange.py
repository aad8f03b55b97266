"""Requests and answers: bodies read no further than they may be long, errors told in one form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from starlette.responses import Response

from ..errors import ArchiveError, MalformedBody, NotFound, TooLarge, Unavailable, ValidationError
from ..records import Id, Role, User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

T = TypeVar("T")

_SWALLOWED = 64 * 1024 * 1024
"""How much of a body that is too long is read on, for callers who hear nothing before they have said all."""


class Call(NamedTuple):
    """A request, and who makes it."""

    request: Request
    user: User | None
    session: str
    body_limit: int

    @property
    def caller(self) -> User:
        assert self.user is not None, "the route needs no role"
        return self.user

    @property
    def id(self) -> str:
        """The id in the path. What cannot be an id is the id of nothing."""
        try:
            return msgspec.convert(self.request.path_params["id"], Id)
        except msgspec.ValidationError:
            raise NotFound(f"there is nothing with the id {self.request.path_params['id']!r}") from None

    async def body(self, kind: type[T]) -> T:
        """The body as JSON of this kind."""
        content = bytearray()
        async for chunk in self.chunks(self.body_limit):
            content += chunk
        try:
            given = msgspec.json.decode(
                content
            )  # as a whole first: what is cut is no JSON, whatever it lacks
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedBody(f"the body is no JSON: {error}") from None
        except RecursionError:
            raise MalformedBody("the body is nested too deeply") from None
        try:
            return msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            raise ValidationError(str(error)) from None

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body in pieces, or TooLarge."""
        size = 0
        async for chunk in self.request.stream():
            size += len(chunk)
            if size <= limit:
                yield chunk
            elif size > limit + _SWALLOWED:
                break
        if size > limit:
            raise TooLarge(f"a body may have {limit} bytes here, this one has more")

    def query(self, kind: type[T]) -> T:
        """What stands behind the question mark."""
        try:
            return msgspec.convert(dict(self.request.query_params), kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValidationError(str(error)) from None


Handler = Callable[[Call], Awaitable[Response]]


class Endpoint(NamedTuple):
    """One route, and the least role that may use it; None for everybody, also without an account."""

    method: str
    path: str
    handler: Handler
    role: Role | None


def answer(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def nothing() -> Response:
    return Response(status_code=204)


def refusal(error: ArchiveError) -> Response:
    """The answer to a request that went wrong: its type is the name of the error's class."""
    response = failure(error.status, type(error).__name__, str(error))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = "1"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def failure(status: int, kind: str, message: str) -> Response:
    error: dict[str, Any] = {"type": kind, "message": message}
    return answer({"error": error}, status)
