"""What a database driver's error means, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.errors import StoreDamagedError, StoreError, StoreReadOnlyError

from .locations import without_secrets

if TYPE_CHECKING:
    import sqlalchemy as sa

_READ_ONLY = ("readonly database", "read-only transaction", "permission denied for", "read-only file")
_DAMAGED = (
    "not a database",
    "malformed",
    "encrypted",
    "unsupported file format",
    "could not decode to utf-8",
)


def damaged(shown: str, text: str) -> StoreDamagedError:
    """The error of a store whose file does not hold what it should; `text` says what was found."""
    return StoreDamagedError(
        f"The store {shown} is damaged or no SQLite database ({text}).",
        "Save what can be read with `jupyter mlops salvage STORE NEW`, or set JUPYTER_MLOPS_STORE.",
    )


def explained(error: Exception, shown: str, url: sa.URL) -> StoreError:
    """The StoreError that says what `error` means for the store `shown`, without its password."""
    original = getattr(error, "orig", None) or error
    text = " ".join(without_secrets(str(original), url).split()).rstrip(".")
    said = text.lower()
    if any(sign in said for sign in _READ_ONLY):
        return StoreReadOnlyError(
            f"The store {shown} can be read but not written.",
            "Give yourself write access to the file and its folder, or set JUPYTER_MLOPS_STORE.",
        )
    if any(sign in said for sign in _DAMAGED):
        return damaged(shown, text)
    if "unable to open database" in said:
        return StoreError(f"The store {shown} cannot be opened.")
    if "is locked" in said or "busy" in said or "lock timeout" in said:
        return StoreError(
            f"The store {shown} is busy: another program has been writing to it for long.",
            "Try again, or find the program that holds it open.",
        )
    if "is full" in said or "no space" in said:
        return StoreError(f"The disk of the store {shown} is full.", "Free some space; nothing was damaged.")
    return StoreError(f"The store {shown} failed: {text}.")
