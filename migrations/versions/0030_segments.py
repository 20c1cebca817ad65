"""Segments: rules with their versions, lists of members, tags, snapshots; what members bought, summed up."""

from alembic import op

revision = "0030_segments"
down_revision = "0029_discounts_of_promotions"

UP = """
CREATE TABLE segments (
    id VARCHAR(26) NOT NULL,
    kind VARCHAR(4) NOT NULL,
    name VARCHAR(60) NOT NULL,
    state VARCHAR(8) DEFAULT 'active' NOT NULL,
    version INTEGER NOT NULL,
    created_by BIGINT,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_segments PRIMARY KEY (id),
    CONSTRAINT ck_segments_kind CHECK (kind IN ('rule', 'list')),
    CONSTRAINT ck_segments_state CHECK (state IN ('active', 'archived')),
    CONSTRAINT ck_segments_version_positive CHECK (version > 0),
    CONSTRAINT fk_segments_created_by FOREIGN KEY(created_by) REFERENCES staff (id)
);

CREATE TABLE segment_versions (
    segment_id VARCHAR(26) NOT NULL,
    version INTEGER NOT NULL,
    name VARCHAR(60) NOT NULL,
    rule JSONB,
    made_by BIGINT,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_segment_versions PRIMARY KEY (segment_id, version),
    CONSTRAINT fk_segment_versions_segment_id FOREIGN KEY(segment_id) REFERENCES segments (id),
    CONSTRAINT fk_segment_versions_made_by FOREIGN KEY(made_by) REFERENCES staff (id)
);
CREATE TRIGGER segment_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON segment_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE segment_list_members (
    segment_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    added_by BIGINT,
    added_at timestamptz NOT NULL,
    CONSTRAINT pk_segment_list_members PRIMARY KEY (segment_id, member_id),
    CONSTRAINT fk_segment_list_members_segment_id FOREIGN KEY(segment_id) REFERENCES segments (id),
    CONSTRAINT fk_segment_list_members_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_segment_list_members_added_by FOREIGN KEY(added_by) REFERENCES staff (id)
);
CREATE INDEX ix_segment_list_members_member_id ON segment_list_members (member_id);

CREATE TABLE member_tags (
    tag VARCHAR(24) NOT NULL,
    member_id BIGINT NOT NULL,
    given_by BIGINT,
    given_at timestamptz NOT NULL,
    CONSTRAINT pk_member_tags PRIMARY KEY (tag, member_id),
    CONSTRAINT fk_member_tags_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_member_tags_given_by FOREIGN KEY(given_by) REFERENCES staff (id)
);
CREATE INDEX ix_member_tags_member_id ON member_tags (member_id);

CREATE TABLE segment_snapshots (
    id VARCHAR(26) NOT NULL,
    segment_id VARCHAR(26) NOT NULL,
    version INTEGER NOT NULL,
    members INTEGER NOT NULL,
    made_by BIGINT,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_segment_snapshots PRIMARY KEY (id),
    CONSTRAINT ck_segment_snapshots_members_not_negative CHECK (members >= 0),
    CONSTRAINT fk_segment_snapshots_segment_id FOREIGN KEY(segment_id, version)
        REFERENCES segment_versions (segment_id, version),
    CONSTRAINT fk_segment_snapshots_made_by FOREIGN KEY(made_by) REFERENCES staff (id)
);
CREATE INDEX ix_segment_snapshots_segment_id_id ON segment_snapshots (segment_id, id);
CREATE TRIGGER segment_snapshots_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON segment_snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE snapshot_members (
    snapshot_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    CONSTRAINT pk_snapshot_members PRIMARY KEY (snapshot_id, member_id)
);
CREATE TRIGGER snapshot_members_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON snapshot_members
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
TOTALS = """
CREATE TABLE member_totals (
    member_id BIGINT NOT NULL,
    purchases INTEGER NOT NULL,
    spent_fen BIGINT NOT NULL,
    visits INTEGER NOT NULL,
    first_on DATE NOT NULL,
    last_on DATE NOT NULL,
    CONSTRAINT pk_member_totals PRIMARY KEY (member_id)
);

CREATE TABLE member_days (
    member_id BIGINT NOT NULL,
    day DATE NOT NULL,
    purchases INTEGER NOT NULL,
    spent_fen BIGINT NOT NULL,
    CONSTRAINT pk_member_days PRIMARY KEY (member_id, day)
);
CREATE INDEX ix_member_days_day ON member_days (day, member_id) INCLUDE (purchases, spent_fen);

CREATE TABLE member_bought (
    member_id BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    word VARCHAR(64) NOT NULL,
    last_on DATE NOT NULL,
    CONSTRAINT pk_member_bought PRIMARY KEY (member_id, kind, word),
    CONSTRAINT ck_member_bought_kind CHECK (kind IN ('product', 'category', 'store'))
);
CREATE INDEX ix_member_bought_word ON member_bought (kind, word, last_on, member_id);

CREATE TABLE member_recounts (
    member_id BIGINT NOT NULL,
    CONSTRAINT pk_member_recounts PRIMARY KEY (member_id),
    CONSTRAINT fk_member_recounts_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);
-- What was sold until now is counted by the worker, some hundred members at a time.
INSERT INTO member_recounts (member_id)
    SELECT id FROM members m WHERE EXISTS (SELECT FROM sales s WHERE s.member_id = m.id);
"""
DOWN = """
DROP TABLE member_recounts;
DROP TABLE member_bought;
DROP TABLE member_days;
DROP TABLE member_totals;
DROP TABLE snapshot_members;
DROP TABLE segment_snapshots;
DROP TABLE member_tags;
DROP TABLE segment_list_members;
DROP TABLE segment_versions;
DROP TABLE segments;
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(TOTALS)


def downgrade() -> None:
    op.execute(DOWN)
