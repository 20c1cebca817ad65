"""When whoever was told by an automation came into the mini-program by a tap on its message."""

from alembic import op

revision = "0042_automation_clicks"
down_revision = "0041_audit_read"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE automation_clicks (
            run_id BIGINT NOT NULL,
            clicked_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_automation_clicks PRIMARY KEY (run_id),
            CONSTRAINT fk_automation_clicks_run_id FOREIGN KEY (run_id) REFERENCES automation_runs (id)
        )""")


def downgrade() -> None:
    op.execute("DROP TABLE automation_clicks")
