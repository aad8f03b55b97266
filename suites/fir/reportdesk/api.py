"""The HTTP interface: requests become calls of the service, errors become answers that tell what is wrong."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import errors
from .records import CaseId, Facts, Title

if TYPE_CHECKING:
    from .service import Desk

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)

_ANSWERS: dict[type[errors.ReportDeskError], tuple[int, str]] = {
    errors.InvalidInput: (400, "invalid_input"),
    errors.PayloadTooLarge: (413, "payload_too_large"),
    errors.UnknownCase: (404, "unknown_case"),
    errors.UnknownTask: (404, "unknown_task"),
    errors.DatabaseUnavailable: (503, "database_unavailable"),
    errors.ModelTimedOut: (504, "model_timed_out"),
    errors.ModelUnreachable: (502, "model_unreachable"),
    errors.ModelFailed: (502, "model_failed"),
    errors.ModelRefused: (502, "model_refused"),
    errors.BreakerOpen: (503, "breaker_open"),
    errors.QueueFull: (503, "queue_full"),
}


class NewCase(msgspec.Struct, forbid_unknown_fields=True):
    title: Title
    facts: Facts


class NewFacts(msgspec.Struct, forbid_unknown_fields=True):
    facts: Facts


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    case: CaseId


class Api:
    """The endpoints, for one desk."""

    def __init__(self, desk: Desk, body_limit: int) -> None:
        self._desk = desk
        self._body_limit = body_limit

    def application(self) -> Starlette:
        routes = [
            self._route("POST", "/cases", self._create_case),
            self._route("PATCH", "/cases/{case}", self._revise_case),
            self._route("GET", "/cases/{case}/report", self._report),
            self._route("POST", "/tasks", self._enqueue),
            self._route("GET", "/tasks/{task}", self._task),
            Route("/metrics", self._metrics, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_route})

    async def _create_case(self, request: Request) -> Response:
        body = await self._read(request, NewCase)
        case = await self._desk.reports.create(body.title, body.facts)
        return _json(case, status=201)

    async def _revise_case(self, request: Request) -> Response:
        body = await self._read(request, NewFacts)
        return _json(await self._desk.reports.revise(_case_id(request), body.facts))

    async def _report(self, request: Request) -> Response:
        return _json(await self._desk.reports.report(_case_id(request)))

    async def _enqueue(self, request: Request) -> Response:
        with self._desk.metrics.operation("task.accept"):
            body = await self._read(request, NewTask)
            return _json(self._desk.tasks.enqueue(body.case), status=202)

    async def _task(self, request: Request) -> Response:
        return _json(self._desk.tasks.find(request.path_params["task"]))

    async def _metrics(self, _: Request) -> Response:
        return _json(self._desk.metrics.snapshot())

    async def _health(self, _: Request) -> Response:
        return _json({"breakers": {name: breaker.state for name, breaker in self._desk.breakers.items()}})

    def _route(self, method: str, path: str, endpoint: Endpoint) -> Route:
        """A route whose requests are measured, and whose errors are answers."""
        metrics = self._desk.metrics

        async def handle(request: Request) -> Response:
            try:
                with metrics.operation("request", route=f"{method} {path}"):
                    try:
                        return await endpoint(request)
                    except errors.Rejected as error:
                        # The caller's mistake: told, but no error of the service.
                        return self._answer(error)
            except errors.ReportDeskError as error:
                _log.warning("%s failed: %s", request.url.path, error)
                return self._answer(error)
            except Exception as error:
                metrics.event("error.internal")
                _log.error("%s failed", request.url.path, exc_info=error)
                return _error(500, "internal", "an error of the service itself; its log has more")

        return Route(path, handle, methods=[method])

    def _answer(self, error: errors.ReportDeskError) -> Response:
        status, code = _ANSWERS[type(error)]
        self._desk.metrics.event(f"error.{code}")
        response = _error(status, code, str(error))
        if status == 503:
            seconds = error.retry_after if isinstance(error, errors.NotNow) else 1.0
            response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
        return response

    async def _read(self, request: Request, kind: type[T]) -> T:
        """The body, read no further than it may be long."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._body_limit:
                raise errors.PayloadTooLarge(f"a body may have {self._body_limit} bytes, this one has more")
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise errors.InvalidInput(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.InvalidInput(f"the body is no JSON: {error}") from None
        except RecursionError:
            raise errors.InvalidInput("the body is nested too deeply") from None


def _case_id(request: Request) -> str:
    try:
        return msgspec.convert(request.path_params["case"], CaseId)
    except msgspec.ValidationError:
        raise errors.InvalidInput("a case's id has 1 to 64 letters, digits, - and _") from None


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, "no_such_route", error.detail)
    response.headers.update(error.headers or {})
    return response
