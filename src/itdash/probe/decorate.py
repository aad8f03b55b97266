"""Functions, coroutine functions and generators of both kinds, each call of which is an operation."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from itdash.probe.regions import operation

if TYPE_CHECKING:
    from collections.abc import Callable

_F = TypeVar("_F", bound="Callable[..., Any]")
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200


def decorated(function: _F, name: str, labels: dict[str, object]) -> _F:
    """The function with each call as an operation; whether anybody listens is asked at each call."""
    return cast("_F", _decorated(function, name, labels))


def _decorated(function: Any, name: str, labels: dict[str, object]) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_decorated(function.__func__, name, labels))
    if not callable(function):
        mend = ": write it below @property" if isinstance(function, property) else ""
        raise TypeError(f"probe.operation decorates functions, not {type(function).__name__}{mend}")
    flags = _flags(function)
    if flags & _ASYNC_GENERATOR:
        return _async_generator(function, name, labels)
    if flags & (_COROUTINE | _ITERABLE_COROUTINE):
        return _coroutine(function, name, labels)
    return (_generator if flags & _GENERATOR else _function)(function, name, labels)


def _flags(function: Any) -> int:
    while not hasattr(function, "__code__"):
        inner = getattr(function, "func", None) or getattr(function, "__func__", None)
        if inner is None:
            code = getattr(vars(type(function)).get("__call__"), "__code__", None)
            return code.co_flags if code else 0
        function = inner
    flags: int = function.__code__.co_flags
    return flags


def _function(function: Any, name: str, labels: dict[str, object]) -> Any:
    @wraps(function)
    def called(*args: Any, **keywords: Any) -> Any:
        with operation(name, **labels):
            return function(*args, **keywords)

    return called


def _coroutine(function: Any, name: str, labels: dict[str, object]) -> Any:
    @wraps(function)
    async def called(*args: Any, **keywords: Any) -> Any:
        with operation(name, **labels):
            return await function(*args, **keywords)

    return called


def _generator(function: Any, name: str, labels: dict[str, object]) -> Any:
    @wraps(function)
    def called(*args: Any, **keywords: Any) -> Any:
        with operation(name, **labels):
            return (yield from function(*args, **keywords))

    return called


def _async_generator(function: Any, name: str, labels: dict[str, object]) -> Any:
    @wraps(function)
    async def called(*args: Any, **keywords: Any) -> Any:
        with operation(name, **labels):
            inner = function(*args, **keywords)
            try:
                item = await anext(inner)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        item = await inner.athrow(error)
                    else:
                        item = await inner.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await inner.aclose()

    return called
