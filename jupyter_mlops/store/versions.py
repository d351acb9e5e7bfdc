"""Pipeline versions, immutable, and aliases, which move and leave a log."""

from __future__ import annotations

import enum
import keyword
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import PipelineNameError, PipelineNotFoundError, PromotionError, UsageError
from jupyter_mlops.records import AliasMove, PipelineVersion, now

from .documents import decode, encode_checked, microseconds, moment
from .packing import LONGEST_NAME
from .schema import alias_moves, aliases, pipeline_versions, protected_slices

if TYPE_CHECKING:
    from collections.abc import Collection

    from .database import Database


class Unset(enum.Enum):
    """The argument nobody gave, where None means something."""

    UNSET = enum.auto()


UNSET: Literal[Unset.UNSET] = Unset.UNSET
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VALIDATED = "validated"


class Versions:
    """The registry of exported pipelines."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_version(self, version: PipelineVersion) -> PipelineVersion:
        """Register a version, for good; UsageError when its number is taken."""
        check_name(version.name)
        if version.version < 1:
            raise UsageError(f"{version.version} is no version.", "Versions count from 1: ask next_version.")
        bare = msgspec.structs.replace(version, aliases=())
        row = {
            "name": version.name,
            "version": version.version,
            "status": version.status,
            "run_id": version.run_id,
            "created_at": microseconds(version.created_at),
            "document": encode_checked(bare, f"Version {version.version} of {version.name}"),
        }
        with self._database.write() as connection:
            if connection.execute(_one(version.name, version.version)).first() is not None:
                raise UsageError(
                    f"Version {version.version} of {version.name} is registered already.",
                    "A version never changes: export again for the next one.",
                )
            connection.execute(sa.insert(pipeline_versions), row)
        return bare

    def next_version(self, name: str) -> int:
        """The number that the next version of pipeline `name` would have, from 1."""
        check_name(name)
        highest = sa.select(sa.func.max(pipeline_versions.c.version)).where(pipeline_versions.c.name == name)
        with self._database.read() as connection:
            return (connection.execute(highest).scalar() or 0) + 1

    def versions(self, name: str | None = None) -> list[PipelineVersion]:
        """The versions of a pipeline, or of all by name; newest first. Unknown names have none."""
        query = sa.select(pipeline_versions).order_by(pipeline_versions.c.version.desc())
        if name is not None:
            query = query.where(pipeline_versions.c.name == name)
        with self._database.read() as connection:
            standing = _standing(connection, name)
            found = [_version(row, standing) for row in connection.execute(query)]
        return sorted(found, key=lambda version: version.name)

    def get_version(self, name: str, number: int) -> PipelineVersion:
        """One version; PipelineNotFoundError when there is none."""
        with self._database.read() as connection:
            row = _existing(connection, name, number)
            return _version(row, _standing(connection, name))

    def move_alias(
        self,
        name: str,
        alias: str,
        version: int | None,
        *,
        expected: int | Unset | None = UNSET,
        reason: str = "",
    ) -> AliasMove:
        """Point `alias` of pipeline `name` at `version`, or at nothing with None.

        Args:
            name: The pipeline.
            alias: Such as ``champion``.
            version: A validated version.
            expected: Where the alias must stand now for the move to be made; not given, anywhere.
            reason: Why, for the log.

        Raises:
            PipelineNotFoundError: There is no such version.
            PromotionError: The version is not validated, or the alias stands elsewhere than `expected`.
        """
        _check_alias(alias)
        with self._database.write() as connection:
            return _move(connection, name, alias, version, expected=expected, reason=reason)

    def protected_slices(self, name: str, alias: str) -> tuple[str, ...]:
        """The conditions of the slices on which `alias` must not move to something worse."""
        return self.all_protected_slices(name).get(alias, ())

    def all_protected_slices(self, name: str) -> dict[str, tuple[str, ...]]:
        """The conditions of the protected slices of a pipeline, by alias."""
        table = protected_slices
        query = sa.select(table).where(table.c.pipeline == name).order_by(table.c.alias, table.c.condition)
        found: dict[str, tuple[str, ...]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found[row.alias] = (*found.get(row.alias, ()), str(row.condition))
        return found

    def protect_slices(
        self, name: str, alias: str, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Protect slices of an alias from now on, and others no more."""
        _check_alias(alias)
        table = protected_slices
        with self._database.write() as connection:
            for condition in (*add, *remove):
                here = (table.c.pipeline == name, table.c.alias == alias, table.c.condition == condition)
                connection.execute(sa.delete(table).where(*here))
            for condition in dict.fromkeys(add):
                row = {"pipeline": name, "alias": alias, "condition": condition}
                connection.execute(sa.insert(table), row)

    def alias_log(self, name: str) -> list[AliasMove]:
        """Every move of a pipeline's aliases, oldest first."""
        query = sa.select(alias_moves).where(alias_moves.c.pipeline == name).order_by(alias_moves.c.id)
        with self._database.read() as connection:
            return [_alias_move(row) for row in connection.execute(query)]

    def rollback_alias(self, name: str, alias: str, *, reason: str = "rollback") -> AliasMove:
        """Move `alias` back to where it stood before; once more goes back further, never forth again.

        Raises:
            PromotionError: It has stood nowhere before.
        """
        _check_alias(alias)
        with self._database.write() as connection:
            target = _stood_before(connection, name).get(alias)
            if target is None:
                if connection.execute(_one(name)).first() is None:
                    raise PipelineNotFoundError(f"There is no pipeline {name!r}.")
                raise PromotionError(
                    f"The alias {alias} of {name} has stood nowhere before.",
                    f"Move it: jupyter mlops promote {name} VERSION {alias}.",
                )
            return _move(connection, name, alias, target, expected=UNSET, reason=reason, rollback=True)

    def rollback_targets(self, name: str) -> dict[str, int]:
        """The version that `rollback_alias` would move each alias to; those it would refuse are left out."""
        with self._database.read() as connection:
            return _stood_before(connection, name)


def check_name(name: str) -> None:
    """Raise PipelineNameError unless `name` can name a Python module."""
    if (
        not isinstance(name, str)
        or not (name.isascii() and name.isidentifier())
        or keyword.iskeyword(name)
        or len(name) > LONGEST_NAME // 4
    ):
        raise PipelineNameError(f"{name!r} cannot name a pipeline.")


def _stood_before(connection: sa.Connection, name: str) -> dict[str, int]:
    """Where each alias stood before, without the moves that a rollback has undone already."""
    before: dict[str, list[int | None]] = {}
    query = sa.select(alias_moves).where(alias_moves.c.pipeline == name).order_by(alias_moves.c.id)
    for row in connection.execute(query):
        if row.rollback:
            before[row.alias].pop()
        else:
            before.setdefault(row.alias, []).append(row.from_version)
    return {alias: version for alias, moves in before.items() if moves and (version := moves[-1]) is not None}


def _check_alias(alias: str) -> None:
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
        raise UsageError(
            f"{alias!r} cannot name an alias.", "Use letters, digits, - and _, such as champion or shadow."
        )


def _one(name: str, number: int | None = None) -> sa.Select[Any]:
    query = sa.select(pipeline_versions).where(pipeline_versions.c.name == name)
    return query if number is None else query.where(pipeline_versions.c.version == number)


def _existing(connection: sa.Connection, name: str, number: int) -> Any:
    row = connection.execute(_one(name, number)).first() if _is_number(number) else None
    if row is None:
        if connection.execute(_one(name)).first() is None:
            raise PipelineNotFoundError(f"There is no pipeline {name!r}.")
        raise PipelineNotFoundError(f"The pipeline {name} has no version {number}.")
    return row


def _is_number(number: object) -> bool:
    return isinstance(number, int) and -(2**31) <= number < 2**31


def _standing(connection: sa.Connection, name: str | None) -> dict[tuple[str, int], list[str]]:
    query = sa.select(aliases).order_by(aliases.c.alias)
    if name is not None:
        query = query.where(aliases.c.pipeline == name)
    standing: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(query):
        standing.setdefault((row.pipeline, row.version), []).append(row.alias)
    return standing


def _version(row: Any, standing: dict[tuple[str, int], list[str]]) -> PipelineVersion:
    found = decode(row.document, PipelineVersion, f"version {row.version} of {row.name}")
    return msgspec.structs.replace(found, aliases=tuple(standing.get((row.name, row.version), ())))


def _move(
    connection: sa.Connection,
    name: str,
    alias: str,
    version: int | None,
    *,
    expected: int | Unset | None,
    reason: str,
    rollback: bool = False,
) -> AliasMove:
    here = sa.and_(aliases.c.pipeline == name, aliases.c.alias == alias)
    current = connection.execute(sa.select(aliases.c.version).where(here)).scalar()
    if version is not None:
        row = _existing(connection, name, version)
        if row.status != _VALIDATED:
            raise PromotionError(
                f"Version {version} of {name} is {row.status}, and only a validated one can be {alias}.",
                "Its validation.json says why; export again once that is mended.",
            )
    elif connection.execute(_one(name)).first() is None:
        raise PipelineNotFoundError(f"There is no pipeline {name!r}.")
    if expected is not UNSET and expected != current:
        raise PromotionError(
            f"The alias {alias} of {name} stands at {_spoken(current)}, not at {_spoken(expected)}.",
            "Somebody moved it meanwhile: look at it again and decide anew.",
        )
    move = AliasMove(
        pipeline=name, alias=alias, from_version=current, to_version=version, moved_at=now(), reason=reason
    )
    if current == version:
        return move
    if version is None:
        connection.execute(sa.delete(aliases).where(here))
    elif current is None:
        connection.execute(sa.insert(aliases), {"pipeline": name, "alias": alias, "version": version})
    else:
        connection.execute(sa.update(aliases).where(here).values(version=version))
    connection.execute(
        sa.insert(alias_moves),
        {
            "pipeline": name,
            "alias": alias,
            "from_version": current,
            "to_version": version,
            "moved_at": microseconds(move.moved_at),
            "reason": reason,
            "rollback": rollback,
        },
    )
    return move


def _spoken(version: int | Unset | None) -> str:
    return "no version" if version is None else f"version {version}"


def _alias_move(row: Any) -> AliasMove:
    return AliasMove(
        pipeline=row.pipeline,
        alias=row.alias,
        from_version=row.from_version,
        to_version=row.to_version,
        moved_at=moment(row.moved_at),
        reason=row.reason,
    )
