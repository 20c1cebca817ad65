"""The task engine's tables, in a schema of their own, from the SQL of the pinned package."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0006_jobs"
down_revision = "0005_messages"


def upgrade() -> None:
    connection = op.get_bind()
    before = connection.exec_driver_sql("SHOW search_path").scalar_one()
    connection.exec_driver_sql("CREATE SCHEMA procrastinate")
    connection.exec_driver_sql("SET LOCAL search_path TO procrastinate")
    # Straight to the driver, without parameters: the text is full of percent signs that are no placeholders.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(SchemaManager.get_schema())
    # For pruning; the package looks for jobs that wait or run only.
    driver.execute("""
        CREATE INDEX member_center_jobs_finished ON procrastinate_jobs (id)
        WHERE status IN ('succeeded', 'failed', 'cancelled', 'aborted')""")
    connection.exec_driver_sql(f"SET LOCAL search_path TO {before}")


def downgrade() -> None:
    op.execute("DROP SCHEMA procrastinate CASCADE")
