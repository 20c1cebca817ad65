"""Members who are held out of an automation: they keep their place under once, and stay in the report."""

from alembic import op

revision = "0044_automation_hold_out"
down_revision = "0042_automation_clicks"

UP = """
ALTER TABLE automations ADD COLUMN hold_out_percent INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN hold_out_since INTEGER NOT NULL DEFAULT 1,
    ADD CONSTRAINT ck_automations_hold_out_percent CHECK (hold_out_percent BETWEEN 0 AND 50);
"""
DOWN = "ALTER TABLE automations DROP COLUMN hold_out_percent, DROP COLUMN hold_out_since;"
_RUNS = """
DROP TRIGGER automation_runs_stay ON automation_runs;
CREATE TRIGGER automation_runs_stay BEFORE DELETE ON automation_runs
    FOR EACH ROW WHEN (OLD.state <> 'refused'{or_held_out}) EXECUTE FUNCTION refuse_change();
ALTER TABLE automation_runs DROP CONSTRAINT ex_automation_runs_once;
ALTER TABLE automation_runs ADD CONSTRAINT ex_automation_runs_once EXCLUDE USING gist (
    int8range(automation_no, automation_no, '[]') WITH &&, int4range(version, version, '[]') WITH &&,
    int8range(member_id, member_id, '[]') WITH &&, tstzrange(at, until) WITH &&)
    WHERE (until IS NOT NULL AND {place});
DROP INDEX ix_automation_runs_refused;
CREATE INDEX ix_automation_runs_refused ON automation_runs (decided_at) WHERE state = 'refused'{forgotten};
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(
        _RUNS.format(
            or_held_out=" OR OLD.refused = 'held_out'",
            place="(state <> 'refused' OR refused = 'held_out')",
            forgotten=" AND refused NOT IN ('had_before', 'held_out')",
        )
    )


def downgrade() -> None:
    op.execute(_RUNS.format(or_held_out="", place="state <> 'refused'", forgotten=""))
    op.execute(DOWN)
