"""Passwords, keys and tokens in text, found so that they never reach the store.

Two kinds are taken: what has the form of a known credential (``ghp_…``, ``AKIA…``, a private key, a
password in a URL), and a literal given to a name that says it is one (``api_key = "…"``). Ordinary
code must come out as it went in, so names that merely contain such a word are left alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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
    r"(?P<prefix>[rRbBuU]{0,2})(?P<quote>\"\"\"|'''|\"|')(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.)+)(?P=quote)"
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
# Tokens of language models and parsers are no secrets.
_WORDS = re.compile(
    r"(?:pad|eos|bos|sep|cls|unk|mask|special|start|end|stop|image|first|last|next|prev|current|oov)_?token",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<.*>|\{.*\}|\$\{?\w+\}?|%\w|\.\.\.|x{3,}|\*+|•+|your[ _-].*", re.IGNORECASE)


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
            for pattern in (_ASSIGNED, _PUT, _LINE)
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
    parts: list[str] = []
    last = 0
    for secret in find_secrets(text):
        parts.extend((text[last : secret.start], MASK))
        last = secret.end
    if not parts:
        return text
    return "".join((*parts, text[last:]))


def _is_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    if _PLACEHOLDER.fullmatch(value) or value.isspace():
        return False
    if match["token"] is None:
        return len(value) >= 3 and not (" " in value and len(value.split()) > 3)
    if _WORDS.search(match[0]) or " " in value:
        return False
    return len(value) >= 16 or (len(value) >= 8 and any(letter.isdigit() for letter in value))
