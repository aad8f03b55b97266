"""The chat protocol: a frame is four bytes of length and one JSON object that names its type."""

import asyncio
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from .errors import ConnectionLost, FrameTooLarge, ProtocolError

MAX_FRAME = 1024 * 1024
MAX_PAGE = 100
MAX_TEXT = 1_000
"""Small enough that a page of the longest texts, each character escaped, still fits into one frame."""

_LENGTH_BYTES = 4

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Sequence = Annotated[int, Meta(ge=0)]
CallId = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]


class Frame(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """The base of everything that crosses the wire."""


class Message(Frame, frozen=True):
    """One message; in its channel the sequence counts 1, 2, 3 without a hole."""

    channel: Name
    sequence: Annotated[int, Meta(ge=1)]
    text: Text


class Login(Frame, frozen=True):
    """Must come first; a newer login of the same account replaces the older one."""

    account: Name


class Subscribe(Frame, frozen=True):
    """Replaces the whole subscription; None means from now on, a number means all that came after it."""

    after: dict[Name, Sequence | None]


class History(Frame, frozen=True):
    """The newest messages of a channel, newest first, all of them older than `before` where it is given."""

    channel: Name
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)]
    before: Annotated[int, Meta(ge=1)] | None = None


class Ping(Frame, frozen=True):
    """Is anybody there?"""


class Ok(Frame, frozen=True):
    """Done, and there is nothing to tell."""


class Subscribed(Frame, frozen=True):
    """From here on each message after these positions is pushed, in order."""

    positions: dict[Name, Sequence]


class Page(Frame, frozen=True):
    """The answer to History."""

    messages: list[Message]


class Failed(Frame, frozen=True):
    """The request was not carried out."""

    code: str
    text: str
    retry_after: Seconds = 0.0


Request = Login | Subscribe | History | Ping
Result = Ok | Subscribed | Page | Failed


class Call(Frame, frozen=True):
    """A request under a number that its answer will carry."""

    id: CallId
    request: Request


class RawCall(Frame, frozen=True, tag="call"):
    """A call of which only the number is known, so that even a malformed request gets its answer."""

    id: CallId
    request: Raw


class Answer(Frame, frozen=True):
    """The result of the call with this number."""

    id: CallId
    result: Result


class Push(Frame, frozen=True):
    """A message of a channel to which the connection is subscribed."""

    message: Message


class Complaint(Frame, frozen=True):
    """What came in was no call at all, so there is no number to answer under."""

    text: str


FromServer = Answer | Push | Complaint

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
CALLS = msgspec.json.Decoder(RawCall)
REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
FROM_SERVER: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)


def encode(frame: Struct) -> bytes:
    """The frame as bytes, its length in front."""
    try:
        body = _encoder.encode(frame)
    except UnicodeEncodeError as error:
        raise ProtocolError(f"a text that is not valid Unicode: {error.reason}") from error
    if len(body) > MAX_FRAME:
        raise FrameTooLarge(len(body), MAX_FRAME)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def decode(body: bytes | Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """The frame in these bytes, or a ProtocolError that says what is wrong with them."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"malformed frame: {error}") from error


async def read_body(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the next frame; None when the peer left between two frames."""
    try:
        size = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if size > MAX_FRAME:
            raise FrameTooLarge(size, MAX_FRAME)
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if not error.partial and error.expected == _LENGTH_BYTES:
            return None
        raise ConnectionLost("the connection ended in the middle of a frame") from error
    except OSError as error:
        raise ConnectionLost(f"the connection broke: {error}") from error
