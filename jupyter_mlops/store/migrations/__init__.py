"""Schema migrations: Alembic's, run from here, with no ini file and no command line.

A new revision is a new file in ``versions`` (the next number, `down_revision` the one before) and its
number at the end of `schema.REVISIONS`; tests hold files, numbers and `schema.metadata` together.
Released files are never edited.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from jupyter_mlops.store.schema import VERSION_TABLE, metadata

if TYPE_CHECKING:
    import sqlalchemy as sa


def scripts() -> ScriptDirectory:
    """The revisions in this folder."""
    return ScriptDirectory(str(Path(__file__).parent))


def upgrade(connection: sa.Connection) -> None:
    """Run what is missing, within the transaction that `connection` is in."""
    directory = scripts()

    def steps(revision: Any, _context: Any) -> Any:
        return directory._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), directory, fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=metadata,
            version_table=VERSION_TABLE,
            version_table_pk=True,
            transactional_ddl=True,
            render_as_batch=True,
        )
        environment.run_migrations()
