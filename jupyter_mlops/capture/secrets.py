"""Passwords, keys and tokens in text, found so that they never reach the store.

Two kinds are taken: what has the form of a known credential (``ghp_…``, ``AKIA…``, a private key, a
password in a URL), and a literal given to a name that says it is one (``api_key = "…"``). Ordinary
code must come out as it went in, so names that merely contain such a word are left alone.
"""

from __future__ import annotations

import functools
import json
import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "•••"


class Secret(NamedTuple):
    """A secret in a text: what it is and the half-open range of its characters."""

    kind: str
    start: int
    end: int


# What a pattern can only match in a text that holds one of its hints, in lower case: most texts hold none.
_FORMS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    (
        "private key",
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
    ),
    ("AWS access key", ("akia", "asia"), re.compile(r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b")),
    (
        "GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"\b(gh[opsru]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})"),
    ),
    ("GitLab token", ("glpat-",), re.compile(r"\b(glpat-[A-Za-z0-9_-]{20,})")),
    ("Slack token", ("xox",), re.compile(r"\b(xox[abprs]-[A-Za-z0-9-]{10,})")),
    ("API key", ("sk-",), re.compile(r"\b(sk-(?:[a-z]+-)?(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,})")),
    ("Stripe key", ("k_live_", "k_test_"), re.compile(r"\b([rs]k_(?:live|test)_[0-9A-Za-z]{16,})")),
    ("Hugging Face token", ("hf_",), re.compile(r"\b(hf_[A-Za-z0-9]{30,})")),
    ("Google API key", ("aiza",), re.compile(r"\b(AIza[0-9A-Za-z_-]{35})")),
    ("JSON web token", ("eyj",), re.compile(r"\b(eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})")),
    (
        "package registry token",
        ("npm_", "pypi-"),
        re.compile(r"\b(npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})"),
    ),
    ("Databricks token", ("dapi",), re.compile(r"\b(dapi[0-9a-f]{32})")),
    ("SendGrid key", ("sg.",), re.compile(r"\b(SG\.[\w-]{20,}\.[\w-]{20,})")),
    ("storage account key", ("accountkey=",), re.compile(r"AccountKey=([A-Za-z0-9+/=]{40,})")),
    (
        "password in a URL",
        ("://",),
        re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:(?![{$<%])([^\s/@'\"{}]+)@", re.IGNORECASE),
    ),
    ("token in a URL", ("://",), re.compile(r"\b[a-z][a-z0-9+.-]*://([A-Za-z0-9_-]{30,})@", re.IGNORECASE)),
    (
        "authorization header",
        ("authorization",),
        re.compile(
            r"\bauthorization[\"']?\]?\s*[:=,]\s*[rRbBfF]?[\"']?(?:basic|bearer|token|digest)\s+(?![{$<%])"
            r"([A-Za-z0-9._~+/=-]{6,})",
            re.IGNORECASE,
        ),
    ),
    ("bearer token", ("bearer",), re.compile(r"\b[Bb]earer\s+(?![{$<%])([A-Za-z0-9._~+/=-]{12,})")),
)

_NAME_HINTS: tuple[str, ...] = (
    "passw", "passphrase", "pwd", "secret", "token", "api_key", "apikey", "api-key", "access", "private",
    "credential",
)  # fmt: skip
_SURE = (
    r"passw(?:or)?d|passwd|pwd|passphrase|secret|secret[_-]?key|api[_-]?key|access[_-]?key(?:_?id)?|"
    r"private[_-]?key|credentials?"
)
_NAME = rf"[\"']?(?:[A-Za-z_][\w.]*[._-])?(?:{_SURE}|(?P<token>token))[\"']?"
_VALUE = (
    r"(?P<prefix>[rRbBuUfF]{0,2})(?P<quote>\"\"\"|'''|\"|')"
    r"(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.)+)(?P=quote)"
)
_ASSIGNED = re.compile(
    rf"(?<![\w]){_NAME}\]?\s*(?::\s*[A-Za-z_][\w.\[\], |]*=(?!=)|=(?!=)|:)\s*{_VALUE}", re.IGNORECASE
)
_PUT = re.compile(rf"\b(?:setdefault|setenv|putenv|set_key)\(\s*{_NAME}\s*,\s*{_VALUE}", re.IGNORECASE)
_LINE = re.compile(
    rf"^[ \t]*(?:!|%env\s+|%set_env\s+|!?export\s+|set\s+)?(?:[A-Z][A-Z0-9_]*_)?"
    rf"(?:{_SURE.upper()}|(?P<token>TOKEN))=(?P<value>[^\s\"'(){{}}\[\]$]{{4,}})[ \t]*$",
    re.MULTILINE,
)
#: Inside of a text: a query string, a connection string.
_INLINE = re.compile(
    rf"(?:[\"';&?>]|=[^\s,()\"']+ )(?:{_SURE}|token)="
    r"(?P<value>(?=[^\s]*\d)[^\s\"'&;,<>()\[\]{}$]{6,})(?P<token>X)?",
    re.IGNORECASE,
)
# Tokens of language models and parsers are no secrets.
_WORDS = re.compile(
    r"(?:pad|eos|bos|sep|cls|unk|mask|special|start|end|stop|image|first|last|next|prev|current|oov)_?token",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<.*>|\{.*\}|\$\{?\w+\}?|%\w|\.\.\.|x{3,}|\*+|•+|your[ _-].*", re.IGNORECASE)


_SHORTEST, _LONGEST = 8, 4_000
_HINTS = tuple(
    hint.encode()
    for hint in {*_NAME_HINTS, "authorization", *(part for _, hints, _ in _FORMS for part in hints)}
)
_PAIR_HINTS = (*_NAME_HINTS, "authorization")
#: Environment variables that hold a secret, and values of theirs that are none.
_TELLING = re.compile(
    r"passw|passphrase|pwd$|secret|token|api_?key|access_?key|private_?key|credential|_pat$|_auth$",
    re.IGNORECASE,
)
_ORDINARY = re.compile(
    r"/|~|\.{1,2}/|[A-Za-z]:\\|https?://[^@]*$|(?:true|false|none|yes|no|on|off)$", re.IGNORECASE
)
_OWN = re.compile(
    r"(?:^|_)(?:pw|pass|passw(?:or)?d|passwd|pwd|secret|api_?key|auth_token|access_token)$", re.IGNORECASE
)


def find_secrets(text: str) -> list[Secret]:
    """The secrets in `text`, in order, without overlaps."""
    if type(text) is not str:
        return []
    lower = text.lower()
    found = [
        Secret(kind, *match.span(1))
        for kind, hints, pattern in _FORMS
        if any(hint in lower for hint in hints)
        for match in pattern.finditer(text)
        if match[1].strip()
    ]
    if any(hint in lower for hint in _NAME_HINTS):
        found.extend(
            Secret("a value named as one", *match.span("value"))
            for pattern in (_ASSIGNED, _PUT, _LINE, _INLINE)
            for match in pattern.finditer(text)
            if _is_secret(match)
        )
    kept: list[Secret] = []
    for secret in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if not kept or secret.start >= kept[-1].end:
            kept.append(secret)
    return kept


def redact(text: str) -> str:
    """`text` with every secret replaced by ``•••``; quotes around it stay."""
    return _redacted_again(text) if type(text) is str and len(text) <= _REMEMBERED else _redacted(text)


def _redacted(text: str) -> str:
    parts: list[str] = []
    last = 0
    for secret in find_secrets(text):
        parts.extend((text[last : secret.start], MASK))
        last = secret.end
    if not parts:
        return text
    return "".join((*parts, text[last:]))


#: A cell's code is asked about several times, as it begins and as it ends.
_REMEMBERED = 100_000
_redacted_again = functools.lru_cache(maxsize=8)(_redacted)


def _is_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    if _PLACEHOLDER.fullmatch(value) or value.isspace():
        return False
    if match["token"] is None:
        return len(value) >= 3 and not (" " in value and len(value.split()) > 3)
    if _WORDS.search(match[0]) or " " in value:
        return False
    return len(value) >= 16 or (len(value) >= 8 and any(letter.isdigit() for letter in value))


class Vault:
    """The secrets of one session, by value: one that was seen once is masked wherever it turns up.

    Values are learnt from the environment, from literals in code and from names that say what they hold.
    Only values that no ordinary text contains by chance are kept.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: tuple[tuple[str, bytes], ...] = ()
        self._environment: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self._values)

    def learn(self, text: str) -> None:
        """Learn the secrets that stand in `text` as such."""
        for secret in find_secrets(text):
            self.add(text[secret.start : secret.end])

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Learn what environment variables with telling names hold."""
        # Asked after every cell. To read all variables out of `os.environ` takes longer than to compare
        # what it keeps of them.
        held = vars(environment).get("_data") if environment is os.environ else None
        if type(held) is dict:
            if held == self._environment:
                return
            self._environment = dict(held)
        for name, value in environment.items():
            if _TELLING.search(name) and not _ORDINARY.match(value):
                self.add(value)

    def learn_names(self, names: Iterable[str], namespace: Mapping[str, Any]) -> None:
        """Learn what variables with telling names hold."""
        for name in names:
            value = namespace.get(name)
            if type(value) is str and (_OWN.search(name) or is_secret_pair(name, value)):
                self.add(value)

    def add(self, value: str) -> None:
        """Keep a value, if it is one that stands for itself."""
        if value in self._values or not _is_distinct(value):
            return
        self._values.add(value)
        # The longest first: one secret may hold another.
        ordered = sorted(self._values, key=len, reverse=True)
        self._forms = tuple((known, json.dumps(known)[1:-1].encode()) for known in ordered)

    def clean(self, text: str) -> str:
        """`text` without secrets, known by their form or by their value."""
        for value, _ in self._forms:
            if value in text:
                text = text.replace(value, MASK)
        return redact(text)

    def clean_bytes(self, data: bytes, media_type: str) -> bytes | None:
        """The bytes of an output without secrets; None for a picture that holds one and can't be mended."""
        if media_type.startswith("text/") or media_type.endswith(("json", "xml")):
            text = data.decode("utf-8", "surrogateescape")
            cleaned = self.clean(text)
            return data if cleaned == text else cleaned.encode("utf-8", "surrogateescape")
        return (
            None if any(value.encode("utf-8", "surrogatepass") in data for value, _ in self._forms) else data
        )

    def clean_record(self, record: Any) -> Any:
        """A record without secrets in any of its texts; the record itself when it holds none."""
        try:
            data = msgspec.json.encode(record)
        except (ValueError, OverflowError, RecursionError):
            pass  # a lone surrogate, an integer of thousands of digits: one by one, then
        else:
            lower = data.lower()
            if not any(hint in lower for hint in _HINTS) and not any(form in data for _, form in self._forms):
                return record
        plain = msgspec.to_builtins(record, builtin_types=(datetime,))
        self._learn_pairs(plain)
        cleaned = self._clean_plain(plain)
        return record if cleaned == plain else msgspec.convert(cleaned, type(record))

    def _learn_pairs(self, plain: Any) -> None:
        if type(plain) is dict:
            for name, value in plain.items():
                if type(value) is str:
                    if is_secret_pair(name, value):
                        self.add(value)
                else:
                    self._learn_pairs(value)
        elif type(plain) is list or type(plain) is tuple:
            for value in plain:
                if type(value) is not str:
                    self._learn_pairs(value)

    def _clean_plain(self, plain: Any) -> Any:
        kind = type(plain)
        if kind is str:
            return self.clean(plain)
        if kind is list or kind is tuple:  # a record's tuples stay tuples
            return kind(self._clean_plain(value) for value in plain)
        if kind is dict:
            return {
                name: MASK if type(value) is str and is_secret_pair(name, value) else self._clean_plain(value)
                for name, value in plain.items()
            }
        return plain


def is_secret_pair(name: str, value: str) -> bool:
    """Whether a setting's name says that its text is a secret: ``config.password``, ``X-Api-Key``."""
    if not 3 <= len(value) <= _LONGEST or not any(hint in name.lower() for hint in _PAIR_HINTS):
        return False
    last = name.rpartition(".")[2]
    if last.lower() == "authorization":
        return True
    return bool(find_secrets(f"{last} = {value!r}"))


def _is_distinct(value: str) -> bool:
    """Whether a text is found nowhere by chance: long, and no plain word, number or path."""
    if not _SHORTEST <= len(value) <= _LONGEST or value.isspace() or _PLACEHOLDER.fullmatch(value):
        return False
    mixed = any(letter.isdigit() for letter in value) and any(letter.isalpha() for letter in value)
    return mixed or (len(value) >= 2 * _SHORTEST and not value.replace("_", "").islower())
