"""Where a store is: its URL understood, made absolute, and shown without its password."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import sqlalchemy as sa

from jupyter_mlops.errors import StoreError

_AUTHORITY = re.compile(r"^(?P<scheme>[\w+.-]*://)(?P<authority>[^/?#]*@)?(?P<rest>.*)$", re.DOTALL)
_SECRET = re.compile(r"(?i)([?&;][^=&;]*(?:password|passwd|pwd|secret|token|passfile)[^=&;]*=)[^&;]*")
_FILE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>.*?)(?:\?(?:\w+=[^&/]*&?)*)?", re.DOTALL)
_FORMS = "Write sqlite:////home/me/runs.db or postgresql+psycopg://user@host/database."


def redacted(url: str) -> str:
    """`url` fit to be shown: every password in it replaced by ``***``."""
    match = _AUTHORITY.match(url)
    if match is None or url.startswith("sqlite"):
        return url
    authority, rest = match["authority"] or "", match["rest"]
    if not authority and "@" in rest:
        # A "/" in an unquoted password ends the authority too early: hide up to the last "@".
        authority, _, rest = rest.rpartition("@")
        authority += "@"
    user, colon, _ = authority.partition(":")
    shown = f"{user}:***@" if colon else authority
    return match["scheme"] + shown + _SECRET.sub(r"\1***", rest)


def parse(url: str) -> sa.URL:
    """The SQLAlchemy URL of a store; StoreError for one that names no database of ours."""
    shown = redacted(url)
    file = _FILE.fullmatch(url)
    if file is not None:
        if file["path"] in ("", ":memory:") or "mode=memory" in url:
            raise StoreError(f"The store {shown!r} is in memory, which no other process can see.", _FORMS)
        return sa.URL.create("sqlite", database=file["path"])
    match = _AUTHORITY.match(url)
    if match is not None and not url.startswith("sqlite"):
        authority, rest = match["authority"] or "", match["rest"]
        if authority.count("@") > 1 or (not authority and "@" in rest.partition("?")[0]):
            raise StoreError(
                f"The store {shown!r} has a password that ends the address too early.",
                "Write @ within a password as %40, / as %2F and ? as %3F.",
            )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError(f"The store {shown!r} is no URL of a database.", _FORMS) from None
    name = parsed.get_backend_name()
    if name in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if name == "sqlite":
        raise StoreError(f"The store {shown!r} names no file.", _FORMS)
    raise StoreError(f"The store {shown!r} is neither SQLite nor PostgreSQL.", _FORMS)


def database_path(url: sa.URL) -> Path:
    """The file of an SQLite URL, absolute now, since a notebook may change its directory later."""
    path = url.database or ""
    if path.startswith("file:"):
        path = unquote(path.removeprefix("file:").removeprefix("//"))
    return Path(path).expanduser().absolute()


def without_secrets(text: str, url: sa.URL) -> str:
    """A driver's message without the password that `url` holds."""
    secrets = {url.password or "", *(str(value) for key, value in url.query.items() if "pass" in key.lower())}
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
