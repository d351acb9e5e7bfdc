"""The filter language: MLflow's, with OR, NOT, parentheses, IN for everything and IS NULL.

    filter     = either
    either     = both ("OR" both)*
    both       = negation ("AND" negation)*
    negation   = "NOT" negation | "(" either ")" | comparison
    comparison = field operator value
               | field ["NOT"] ("LIKE" | "ILIKE") text
               | field ["NOT"] "IN" "(" value ("," value)* ")"
               | field "IS" ["NOT"] "NULL"
    field      = [("metrics" | "params" | "tags" | "dataset" | "attributes") "."] name

A name is bare, in back-ticks or in double quotes; a text is in single or double quotes. A quote within
is doubled. Here text becomes a small tree; `filters` makes SQL of it.
"""

from __future__ import annotations

import math
import re

import msgspec

from jupyter_mlops.errors import FilterError

LONGEST = 20_000
DEEPEST = 60
MOST = 500

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<infinity>[+-](?:inf|infinity)\b)
      | (?P<operator><=|>=|!=|<>|==|=|<|>)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<comma>,)
      | (?P<single>'(?:[^']|'')*')
      | (?P<double>"(?:[^"]|"")*")
      | (?P<back>`(?:[^`]|``)*`)
      | (?P<word>[^\W\d](?:[\w.:/@-]|\[[\w.-]*\])*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "like", "ilike", "is", "null"})
_KINDS = {
    **dict.fromkeys(("metric", "metrics"), "metrics"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "params"),
    **dict.fromkeys(("tag", "tags"), "tags"),
    **dict.fromkeys(("dataset", "datasets"), "datasets"),
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attributes"),
}
_OPERATORS = {"==": "=", "<>": "!="}

Value = str | int | float | bool


class Field(msgspec.Struct, frozen=True):
    """What is compared, and where it stands, counted from 1.

    `kind` is ``metrics``, ``params``, ``tags``, ``datasets`` or ``attributes``.
    """

    kind: str
    name: str
    position: int


class Comparison(msgspec.Struct, frozen=True):
    """`operator` is ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``like``, ``ilike``, ``in`` or ``null``.

    `positions` are where each of `values` stands, counted from 1.
    """

    field: Field
    operator: str
    values: tuple[Value, ...] = ()
    positions: tuple[int, ...] = ()
    negated: bool = False


class Junction(msgspec.Struct, frozen=True):
    """Several conditions joined by ``and`` or ``or``, or one under ``not``."""

    word: str
    parts: tuple[Junction | Comparison, ...]


Condition = Junction | Comparison


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    position: int
    glued: bool = False


def parse_filter(text: str) -> Condition | None:
    """The condition that `text` spells, None for an empty one; FilterError, saying where and why."""
    if not isinstance(text, str):
        raise FilterError(f"A filter is a text, not a {type(text).__name__}.")
    if len(text) > LONGEST:
        raise FilterError(f"The filter has {len(text)} characters, more than {LONGEST}.", "Shorten it.")
    parser = _Parser(text, "filter")
    if parser.token.kind == "end":
        return None
    condition = parser.either(0)
    if parser.token.kind != "end":
        raise parser.failure("AND, OR or the end of the filter")
    return condition


def parse_order(text: str) -> tuple[Field, bool]:
    """The field and whether it descends, of an order such as ``metrics.acc DESC``."""
    if not isinstance(text, str):
        raise FilterError(f"An order is a text, not a {type(text).__name__}.", _ORDER_HINT)
    parser = _Parser(text, "order")
    field = parser.field()
    direction = parser.token
    if direction.kind == "word" and direction.text.lower() in ("asc", "desc"):
        parser.advance()
    if parser.token.kind != "end":
        raise parser.failure("ASC, DESC or the end of the order")
    return field, direction.text.lower() == "desc"


_ORDER_HINT = "Write for example: metrics.accuracy DESC."


class _Parser:
    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._tokens = _tokenize(text, what)
        self._index = 0
        self._count = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._index]

    def advance(self) -> _Token:
        token = self.token
        self._index += token.kind != "end"
        return token

    def failure(self, expected: str) -> FilterError:
        token = self.token
        found = "it ends" if token.kind == "end" else f"found {token.text[:40]!r}"
        return FilterError(
            f"The {self._what} {_shown(self._text)} cannot be read at character {token.position}: "
            f"{found} where {expected} was expected.",
            _ORDER_HINT if self._what == "order" else None,
        )

    def keyword(self, *words: str) -> bool:
        """Whether the next token is one of `words`; if so, go past it."""
        if self.token.kind == "word" and self.token.text.lower() in words:
            self.advance()
            return True
        return False

    def either(self, depth: int) -> Condition:
        return self._joined("or", depth)

    def _joined(self, word: str, depth: int) -> Condition:
        parts = [self._joined("and", depth) if word == "or" else self._negation(depth)]
        while self.keyword(word):
            parts.append(self._joined("and", depth) if word == "or" else self._negation(depth))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _negation(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise self.failure(f"a filter of at most {DEEPEST} levels")
        if self.keyword("not"):
            return Junction("not", (self._negation(depth + 1),))
        if self.token.kind == "open":
            self.advance()
            inner = self.either(depth + 1)
            if self.token.kind != "close":
                raise self.failure("AND, OR or a closing parenthesis")
            self.advance()
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        self._count += 1
        if self._count > MOST:
            raise self.failure(f"a filter of at most {MOST} conditions")
        field = self.field()
        if self.token.kind == "operator":
            operator = self.advance().text
            value, position = self._value()
            return Comparison(field, _OPERATORS.get(operator, operator), (value,), (position,))
        if self.keyword("is"):
            negated = self.keyword("not")
            if not self.keyword("null"):
                raise self.failure("NULL" if negated else "NULL or NOT NULL")
            return Comparison(field, "null", negated=negated)
        negated = self.keyword("not")
        if self.token.kind == "word" and (operator := self.token.text.lower()) in ("like", "ilike"):
            self.advance()
            if self.token.kind not in ("single", "double"):
                raise self.failure("a text in quotes")
            value, position = self._value()
            return Comparison(field, operator, (value,), (position,), negated)
        if self.keyword("in"):
            values, positions = self._list()
            return Comparison(field, "in", values, positions, negated)
        raise self.failure(
            "LIKE, ILIKE or IN" if negated else "a comparison (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, IS)"
        )

    def _list(self) -> tuple[tuple[Value, ...], tuple[int, ...]]:
        if self.token.kind != "open":
            raise self.failure("a list of values in parentheses")
        found: list[tuple[Value, int]] = []
        while not found or self.token.kind == "comma":
            self.advance()
            found.append(self._value())
        if self.token.kind != "close":
            raise self.failure("a comma or a closing parenthesis")
        self.advance()
        self._count += len(found)
        if self._count > MOST * 10:
            raise self.failure(f"lists of at most {MOST * 10} values")
        values, positions = zip(*found, strict=True)
        return values, positions

    def field(self) -> Field:
        """The next tokens as a field: a bare word, or a kind and a quoted name."""
        token = self.token
        if token.kind in ("back", "double"):
            self.advance()
            return Field("attributes", _unquoted(token), token.position)
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise self.failure("a field such as metrics.accuracy, params.model, tags.team or status")
        self.advance()
        if token.text.endswith("."):
            kind, name = token.text[:-1].lower(), ""
            if self.token.kind in ("back", "double") and self.token.glued:
                name = _unquoted(self.advance())
            else:
                raise self.failure(f"a name after {token.text!r}")
        else:
            kind, dot, name = token.text.partition(".")
            kind = kind.lower()
            if not dot:
                return Field("attributes", token.text, token.position)
        if kind not in _KINDS:
            raise FilterError(
                f"The {self._what} {_shown(self._text)} cannot be read at character {token.position}: "
                f"{kind!r} is not metrics, params, tags, dataset or attributes."
            )
        return Field(_KINDS[kind], name, token.position)

    def _value(self) -> tuple[Value, int]:
        token = self.token
        if token.kind in ("single", "double"):
            self.advance()
            return _unquoted(token), token.position
        if token.kind == "number":
            self.advance()
            return _number(token.text), token.position
        word = token.text.lower()
        if token.kind == "infinity" or (token.kind == "word" and word in ("inf", "infinity")):
            self.advance()
            return (-math.inf if word.startswith("-") else math.inf), token.position
        if token.kind == "word" and word in ("true", "false"):
            self.advance()
            return word == "true", token.position
        if token.kind == "word" and word == "nan":
            raise self.failure("a number other than NaN, which equals nothing,")
        raise self.failure("a number or a text in quotes")


def _tokenize(text: str, what: str) -> list[_Token]:
    tokens: list[_Token] = []
    index, spaced = 0, True
    while index < len(text):
        match = _TOKEN.match(text, index)
        if match is None:
            letter = text[index]
            why = f"the {letter} is never closed" if letter in "'\"`" else f"{letter!r} means nothing here"
            raise FilterError(f"The {what} {_shown(text)} cannot be read at character {index + 1}: {why}.")
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, match[0], index + 1, glued=not spaced))
        spaced = kind == "space"
        index = match.end()
    tokens.append(_Token("end", "", len(text) + 1))
    return tokens


def _unquoted(token: _Token) -> str:
    quote = token.text[0]
    return token.text[1:-1].replace(quote * 2, quote)


def _number(text: str) -> int | float:
    if re.fullmatch(r"[+-]?\d{1,300}", text):
        return int(text)
    return float(text.replace("_", ""))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:200] + "…")
