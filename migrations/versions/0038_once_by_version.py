"""Once is once of a version: another one asks by its own days when it was last done, not by those of the former."""

from alembic import op

revision = "0038_once_by_version"
down_revision = "0037_credits_by_the_million"

_BY = """
ALTER TABLE automation_runs DROP CONSTRAINT ex_automation_runs_once;
ALTER TABLE automation_runs ADD CONSTRAINT ex_automation_runs_once EXCLUDE USING gist (
    int8range(automation_no, automation_no, '[]') WITH &&, {version}int8range(member_id, member_id, '[]') WITH &&,
    tstzrange(at, until) WITH &&) WHERE (until IS NOT NULL AND state <> 'refused');
"""


def upgrade() -> None:
    op.execute(_BY.format(version="int4range(version, version, '[]') WITH &&, "))


def downgrade() -> None:
    op.execute(_BY.format(version=""))
