"""What a test can tell the server to do, over a port of its own and in the frames of the chat protocol."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..protocol import Frame, Name, Seconds, Text

Count = Annotated[int, Meta(ge=0)]
Gauge = Literal["connected", "subscribed", "held", "served", "replayed", "logins"]
Operation = Literal["login", "subscribe", "history", "push"]
Kind = Literal["flood", "fault", "refuse", "drop", "garbage", "oversize", "silence", "repeat", "skip"]

PUSH_KINDS = frozenset({"repeat", "skip"})
"""What can happen to a pushed message; everything else happens to a request."""


class Reset(Frame, frozen=True):
    """Back to the first moment: no channels, no faults, nobody connected, all gauges at 0."""


class Post(Frame, frozen=True):
    """Write messages into a channel, which comes into being by that; one key is carried out once only."""

    key: str
    channel: Name
    texts: list[Text]


class Slow(Frame, frozen=True):
    """From now on each history request takes this long."""

    seconds: Seconds


class Gate(Frame, frozen=True):
    """From now on history requests wait until so many have come together; 0 lets all of them go."""

    size: Count


class Fault(Frame, frozen=True):
    """Let the next `times` operations go wrong, of one account or on one channel where these are given."""

    operation: Operation
    kind: Kind
    times: Annotated[int, Meta(ge=1)] = 1
    account: Name | None = None
    channel: Name | None = None
    retry_after: Seconds = 0.0


class Disconnect(Frame, frozen=True):
    """Cut the connections of these accounts, or all of them, in the middle of whatever they do."""

    accounts: list[Name] | None = None


class Until(Frame, frozen=True):
    """Answer when the gauge stands at this count."""

    gauge: Gauge
    count: Count
    timeout: Seconds


class Look(Frame, frozen=True):
    """Tell all gauges."""


Command = Reset | Post | Slow | Gate | Fault | Disconnect | Until | Look


class Done(Frame, frozen=True):
    """Carried out; the gauges as they stand now."""

    gauges: dict[str, int]


class Rejected(Frame, frozen=True):
    """Not carried out, and why."""

    text: str


Outcome = Done | Rejected

COMMANDS: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
OUTCOMES: msgspec.json.Decoder[Outcome] = msgspec.json.Decoder(Outcome)
