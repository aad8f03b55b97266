"""The client of the model server: a timeout for each attempt, retries, and a breaker around every attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import msgspec

from .errors import ModelFailed, ModelRefused, ModelTimedOut, ModelUnreachable, StartError

if TYPE_CHECKING:
    from .breaker import Breaker
    from .metrics import Metrics
    from .records import Case
    from .retry import Retry
    from .settings import ModelSettings

_MAX_TEXT = 1_000_000
_TOO_MANY_REQUESTS = 429


class _Answer(msgspec.Struct):
    text: str


class ModelClient:
    """Has reports written."""

    def __init__(self, settings: ModelSettings, retry: Retry, breaker: Breaker, metrics: Metrics) -> None:
        self._timeout = settings.timeout
        self._retry = retry
        self._breaker = breaker
        self._metrics = metrics
        if not settings.url.startswith(("http://", "https://")):
            raise StartError(f"no model server at {settings.url!r}: it must begin with http:// or https://")
        self._http = httpx2.AsyncClient(
            base_url=settings.url,
            timeout=settings.timeout,
            trust_env=False,  # the address is told; no proxy of the environment comes between
            verify=settings.url.startswith("https://"),  # its certificates take long to load
        )

    async def write(self, case: Case) -> str:
        """The text of a report, or the error of the last attempt."""

        async def attempt() -> str:
            with self._metrics.operation("model.call"):
                return await self._ask(case)

        return await self._retry.run(lambda: self._breaker.call(attempt))

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, case: Case) -> str:
        try:
            response = await self._http.post("/v1/reports", content=msgspec.json.encode(case))
        except httpx2.TimeoutException as error:
            raise ModelTimedOut(f"the model server did not answer within {self._timeout:g} s") from error
        except httpx2.TransportError as error:
            raise ModelUnreachable(f"the model server is out of reach: {error}") from error
        return _text_of(response)


def _text_of(response: httpx2.Response) -> str:
    status = response.status_code
    if status >= 500 or status == _TOO_MANY_REQUESTS:
        raise ModelFailed(f"the model server answers with status {status}")
    if status != 200:
        raise ModelRefused(f"the model server refuses with status {status}")
    try:
        text = msgspec.json.decode(response.content, type=_Answer).text
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelFailed(f"the model server answers with something else than a report: {error}") from error
    if not 0 < len(text) <= _MAX_TEXT:
        raise ModelFailed(f"the model server answers with a report of {len(text)} characters")
    return text
