"""A recorded run in the words of a user's own Jinja template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError

from itdash.errors import ItdashError
from itdash.render import gfm
from itdash.render.document.run import took
from itdash.views.summary import summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itdash.render.document.run import Recording


class WrongTemplate(ItdashError):
    """The template cannot be read, or asks for what is not there."""


def filled(path: Path, recording: Recording) -> str:
    """The template with the summary of the run as `run`, and its name as `name`."""
    made = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=path.suffix in (".html", ".htm", ".xml"),
    )  # fmt: skip
    filters: dict[str, Callable[..., str]] = {
        "plain": _plain,
        "code": gfm.code,
        "cell": gfm.cell,
        "took": _took,
    }
    made.filters.update(filters)
    state = recording.state
    document = msgspec.to_builtins(summary(state, recording.bytes, recording.unread))
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise WrongTemplate(f"the template cannot be read: {why}", where=str(path)) from None
    try:
        return made.from_string(text).render(run=document, name=recording.name)
    except TemplateSyntaxError as error:
        raise WrongTemplate(
            f"the template is wrong: {error.message}", where=f"{path}:{error.lineno}"
        ) from None
    except TemplateError as error:
        raise WrongTemplate(
            f"the template cannot be filled: {error.message}", where=f"{path}:{_line(error)}",
            mend="`run` is what summary.json holds; docs/run-directory.md has its fields",
        ) from None  # fmt: skip
    except Exception as error:  # an expression of the user's may raise whatever Python can
        raise WrongTemplate(
            f"the template cannot be filled: {type(error).__name__}: {error}", where=f"{path}:{_line(error)}"
        ) from None


def _plain(text: Any) -> str:
    return gfm.plain(str(text))


def _took(seconds: float) -> str:
    return took(int(seconds * 1e9))


def _line(error: Exception) -> int:
    """The line of the template in which it happened."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
