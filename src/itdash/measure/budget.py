"""The grammar of budgets: `p95 < 100ms`, `peak == 5`, `p50 < p50(cold) / 10`, as records."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, Literal, cast

import msgspec

from itdash.measure.text import underlined
from itdash.measure.units import RATE_UNITS, TIME_UNITS, Dimension, plain_unit

Comparator = Literal["<", "<=", "==", "!=", ">=", ">"]

_COMPARATORS: Final = ("<", "<=", "==", "!=", ">=", ">")
_DIMENSIONS: Final[dict[str, Dimension]] = {
    "min": "time",
    "max": "time",
    "mean": "time",
    "peak": "count",
    "count": "count",
    "errors": "count",
    "rate": "rate",
}
_DIGITS: Final = 15  # on each side of the point: more than any measurement has

_BARE: Final = re.compile(r"[^\W\d][\w.:/-]*")

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<word>[a-zA-Z\u00b5\u03bc]+)
      | (?P<comparator>[<>=!]+)
      | (?P<name>"[^"]*"|'[^']*')
      | (?P<sign>\S)
    )""",
    re.VERBOSE,
)


class BudgetSyntaxError(ValueError):
    """A text that is no budget: what was expected at which place; str() shows the place underlined."""

    def __init__(self, text: str, position: int, length: int, message: str) -> None:
        super().__init__(text, position, length, message)
        self.text = text
        self.position = position
        self.length = length
        self.message = message

    def __str__(self) -> str:
        lines = underlined(self.text, self.position, self.length).splitlines()
        return "\n".join([f"not a budget: {self.message}", *(f"  {line}" for line in lines)])


class Statistic(msgspec.Struct, frozen=True):
    """What is measured, such as p95, max or peak; `q` is its quantile where it is one."""

    name: str
    q: float | None = None

    @property
    def dimension(self) -> Dimension:
        """The kind of value that it has."""
        return _DIMENSIONS.get(self.name, "time")

    def __str__(self) -> str:
        return self.name


class Quantity(msgspec.Struct, frozen=True):
    """A fixed limit: its number as written but for idle zeros, and its unit, empty for a plain number."""

    number: str
    unit: str

    @property
    def dimension(self) -> Dimension:
        """The kind of value that it limits."""
        if self.unit in TIME_UNITS:
            return "time"
        if self.unit in RATE_UNITS:
            return "rate"
        return "share" if self.unit == "%" else "count"

    @property
    def value(self) -> Fraction:
        """The limit in the base of its dimension: nanoseconds, per second, pieces, 1 for all."""
        number = Fraction(self.number)
        if self.unit == "%":
            return number / 100
        return number * TIME_UNITS.get(self.unit, 1) * RATE_UNITS.get(self.unit, 1)

    def __str__(self) -> str:
        return self.number + self.unit


class Ratio(msgspec.Struct, frozen=True):
    """A limit that is itself measured: so many times a statistic of another operation, or of the same one."""

    factor: str
    statistic: Statistic
    operation: str | None = None
    divisor: str = "1"

    @property
    def times(self) -> Fraction:
        """How many times the statistic."""
        return Fraction(self.factor) / Fraction(self.divisor)

    def __str__(self) -> str:
        before = "" if self.factor == "1" else f"{self.factor} * "
        after = "" if self.divisor == "1" else f" / {self.divisor}"
        name = self.operation
        if name is not None and not _BARE.fullmatch(name):
            quote = "'" if '"' in name else '"'
            name = f"{quote}{name}{quote}"
        return f"{before}{self.statistic}{'' if name is None else f'({name})'}{after}"


class Budget(msgspec.Struct, frozen=True):
    """One comparison of a statistic with a limit; `text` is as it was written, str() the same tidied."""

    text: str
    statistic: Statistic
    comparator: Comparator
    limit: Quantity | Ratio

    @property
    def dimension(self) -> Dimension:
        """The kind of value that is compared."""
        return self.limit.dimension if isinstance(self.limit, Quantity) else self.statistic.dimension

    def __str__(self) -> str:
        return f"{self.statistic} {self.comparator} {self.limit}"


def parse(text: str) -> Budget:
    """Read a budget, or raise BudgetSyntaxError."""
    reader = _Reader(text)
    statistic = _statistic(reader)
    sign = reader.next()
    if sign.text not in _COMPARATORS:
        raise reader.refusal(sign, "a comparison: " + " ".join(_COMPARATORS))
    limit = _limit(reader, statistic)
    end = reader.next()
    if end.kind != "end":
        raise reader.refusal(end, "nothing more: a budget is one comparison")
    return Budget(text, statistic, cast("Comparator", sign.text), limit)


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    start: int


def _tokens(text: str) -> list[_Token]:
    # Blanks at the end match no token, and the expression would be tried at each of them.
    end = len(text.rstrip())
    tokens = []
    for match in _TOKEN.finditer(text, 0, end):
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match[kind], match.start(kind)))
    return [*tokens, _Token("end", "", end)]


class _Reader:
    """The tokens of a text, and the refusal of one of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = _tokens(text)
        self._place = 0

    def peek(self) -> _Token:
        return self._tokens[self._place]

    def next(self) -> _Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def skip(self, text: str) -> bool:
        """Whether this text came next; if so it is passed."""
        if self.peek().text != text:
            return False
        self.next()
        return True

    def bare(self) -> str:
        """The name without quotes that came next, if one did; it is passed."""
        match = _BARE.match(self.text, self.peek().start)
        if match is None or self.peek().kind == "end":
            return ""
        while self.peek().start < match.end() and self.peek().kind != "end":
            self.next()
        return match[0]

    def refusal(self, token: _Token, expected: str) -> BudgetSyntaxError:
        return BudgetSyntaxError(self.text, token.start, max(1, len(token.text)), f"expected {expected}")


def _statistic(reader: _Reader) -> Statistic:
    word = reader.next()
    if word.text == "p":
        return _percentile(reader)
    if word.text not in _DIMENSIONS:
        raise reader.refusal(word, "what to measure: p50 p99.9 p(99) " + " ".join(_DIMENSIONS))
    return Statistic(word.text, {"min": 0.0, "max": 1.0}.get(word.text))


def _percentile(reader: _Reader) -> Statistic:
    in_brackets = reader.skip("(")
    token = reader.next()
    if token.kind != "number":
        raise reader.refusal(token, "the number of the percentile, as in p95")
    percent = _tidy_number(reader, token)
    if not 0 < Fraction(percent) < 100 or len(percent.partition(".")[2]) > 7:
        between = "a percentile between 0 and 100 with at most seven decimals"
        raise reader.refusal(token, f"{between}; the ends are called min and max")
    if in_brackets and not reader.skip(")"):
        raise reader.refusal(reader.peek(), "the closing bracket of p(")
    return Statistic(f"p{percent}", float(Fraction(percent) / 100))


def _limit(reader: _Reader, statistic: Statistic) -> Quantity | Ratio:
    token = reader.peek()
    if token.kind == "word":
        return _ratio(reader, statistic, "1")
    if token.kind != "number":
        raise reader.refusal(token, "a number, or a statistic of another operation")
    number = _tidy_number(reader, reader.next())
    if reader.skip("*"):
        return _ratio(reader, statistic, number)
    limit = Quantity(number, _unit(reader, statistic))
    if limit.dimension == "count" and "." in number:
        raise reader.refusal(token, f"a whole number: {statistic} is counted")
    return limit


def _unit(reader: _Reader, statistic: Statistic) -> str:
    token = reader.next()
    unit = plain_unit(token.text)
    if statistic.dimension == "time":
        if unit not in TIME_UNITS:
            raise reader.refusal(token, f"a unit of time, as {statistic} is a time: {' '.join(TIME_UNITS)}")
        return unit
    if statistic.dimension == "rate":
        if unit == "/":
            token = reader.next()
            unit += token.text
        if unit not in RATE_UNITS:
            raise reader.refusal(token, f"a unit, as rate is per time: {' '.join(RATE_UNITS)}")
        return unit
    if token.kind == "end":
        return ""
    if statistic.name != "errors":
        raise reader.refusal(token, f"nothing after the number: {statistic} is counted, it has no unit")
    if unit != "%":
        raise reader.refusal(token, "% or nothing after the number: errors are counted, or a share of all")
    return unit


def _ratio(reader: _Reader, statistic: Statistic, factor: str) -> Ratio:
    start = reader.peek()
    other = _statistic(reader)
    if other.dimension != statistic.dimension:
        kind = statistic.dimension
        raise reader.refusal(start, f"a {kind}, as {statistic} is one; {other} is a {other.dimension}")
    operation = _operation(reader)
    if factor == "1" and reader.skip("*"):
        return Ratio(_factor(reader), other, operation)
    if not reader.skip("/"):
        return Ratio(factor, other, operation)
    place = reader.peek()
    divisor = _factor(reader)
    if Fraction(divisor) == 0:
        raise reader.refusal(place, "a number other than 0 to divide by")
    return Ratio(factor, other, operation, divisor)


def _operation(reader: _Reader) -> str | None:
    """The operation that a statistic is of: `(NAME)`, or `of "NAME"`; None for the budget's own."""
    if reader.skip("of"):
        return _quoted(reader)
    if not reader.skip("("):
        return None
    name = reader.bare() or _quoted(reader)
    if not reader.skip(")"):
        raise reader.refusal(reader.peek(), "the closing bracket after the name of the operation")
    return name


def _quoted(reader: _Reader) -> str:
    name = reader.next()
    if name.kind != "name" or not name.text.isprintable() or len(name.text) == 2:
        raise reader.refusal(name, "the name of an operation in quotes")
    return name.text[1:-1]


def _factor(reader: _Reader) -> str:
    token = reader.next()
    if token.kind != "number":
        raise reader.refusal(token, "a number")
    return _tidy_number(reader, token)


def _tidy_number(reader: _Reader, token: _Token) -> str:
    whole, _, decimals = token.text.partition(".")
    if len(whole) > _DIGITS or len(decimals) > _DIGITS:
        raise reader.refusal(token, f"at most {_DIGITS} digits on each side of the point")
    whole = whole.lstrip("0") or "0"
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole
