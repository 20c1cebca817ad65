"""Members who are held out of an automation keep their place under once and stay in the report; drafts of campaigns
that nobody needs are discarded."""

from alembic import op

revision = "0044_hold_out_and_discard"
down_revision = "0043_recommendations"

UP = """
ALTER TABLE automations ADD COLUMN hold_out_bp INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN hold_out_since INTEGER NOT NULL DEFAULT 1,
    ADD CONSTRAINT ck_automations_hold_out_bp CHECK (hold_out_bp BETWEEN 0 AND 5000);
"""
DOWN = "ALTER TABLE automations DROP COLUMN hold_out_bp, DROP COLUMN hold_out_since;"
_CAMPAIGNS = """
ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_state, DROP CONSTRAINT ck_campaigns_second_person,
    ADD CONSTRAINT ck_campaigns_state CHECK (state IN ('draft', 'in_review', 'scheduled', 'running', 'paused',
        'stopped', 'done'{or_discarded})),
    ADD CONSTRAINT ck_campaigns_second_person CHECK (state IN ('draft'{or_discarded}) OR approval_id IS NOT NULL);
"""
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

    op.execute(_CAMPAIGNS.format(or_discarded=", 'discarded'"))


def downgrade() -> None:
    op.execute("UPDATE campaigns SET state = 'draft' WHERE state = 'discarded'")
    op.execute(_CAMPAIGNS.format(or_discarded=""))
    op.execute(_RUNS.format(or_held_out="", place="state <> 'refused'", forgotten=""))
    op.execute(DOWN)
