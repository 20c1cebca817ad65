"""Runs the migrations over the connection that the caller hands in (see commands/db.py)."""

from alembic import context

from app import models  # noqa: F401  # fills the metadata
from app.db import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    transaction_per_migration=True,
    compare_server_default=False,
    include_name=lambda name, type_, _: type_ != "schema" or name is None,
)
with context.begin_transaction():
    context.run_migrations()
