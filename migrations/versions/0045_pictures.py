"""Pictures of reward items, coupons and events, kept by their content."""

from alembic import op

revision = "0045_pictures"
down_revision = "0044_hold_out_and_discard"


def upgrade() -> None:
    op.execute("""
CREATE TABLE pictures (
    id VARCHAR(32) NOT NULL,
    content BYTEA NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created_by BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_pictures PRIMARY KEY (id),
    CONSTRAINT fk_pictures_created_by FOREIGN KEY (created_by) REFERENCES staff (id),
    CONSTRAINT ck_pictures_content_bounded CHECK (octet_length(content) BETWEEN 1 AND 1000000),
    CONSTRAINT ck_pictures_size_bounded CHECK (width BETWEEN 1 AND 960 AND height BETWEEN 1 AND 960),
    CONSTRAINT ck_pictures_id_form CHECK (id ~ '^[0-9a-f]{32}$')
);
-- A JPEG is packed already.
ALTER TABLE pictures ALTER COLUMN content SET STORAGE EXTERNAL;
""")


def downgrade() -> None:
    op.execute("DROP TABLE pictures")
