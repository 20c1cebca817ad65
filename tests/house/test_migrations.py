"""The schema: from nothing to what the models say, in one line of steps, and back."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from app import models  # noqa: F401  # so that every table is known
from app.db import Base
from commands.db import config, current, head, upgrade


def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
    """The job engine keeps its tables in a schema of its own; its package knows them, we do not."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate"))


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(config()).get_heads()) == 1


def test_migrations_from_nothing_equal_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        assert current(connection) == head()
        options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_every_constraint_of_the_models_is_in_the_database(engine: Engine) -> None:
    """The comparison above does not look at CHECK constraints."""
    with engine.connect() as connection:
        there = set(
            connection.execute(
                text("SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'f', 'p', 'x')")
            ).scalars()
        )
    wanted = {str(c.name) for table in Base.metadata.tables.values() for c in table.constraints if c.name}
    assert sorted(wanted - there) == []


def test_migrations_can_be_taken_back_to_nothing_and_applied_again(engine: Engine) -> None:
    with engine.connect() as connection:
        command.downgrade(config(connection), "base")
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
        left = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.execute(text(left)).all() == []
    upgrade(engine)
    with engine.connect() as connection:
        assert current(connection) == head()


def test_upgrading_what_is_current_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        assert current(connection) == head()
