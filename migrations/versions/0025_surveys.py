"""Surveys: forms, who has answered, what was said. Feedback: threads and messages."""

from alembic import op

revision = "0025_surveys"
down_revision = "0024_referral"

KINDS = "'check_in', 'lottery', 'welcome', 'first_order', 'profile', 'referral'"

TABLES = """
CREATE TABLE survey_forms (
    activity_id VARCHAR(26) NOT NULL,
    form_no INTEGER NOT NULL,
    anonymous BOOLEAN NOT NULL,
    questions JSONB NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_survey_forms PRIMARY KEY (activity_id, form_no),
    CONSTRAINT ck_survey_forms_form_no_positive CHECK (form_no > 0),
    CONSTRAINT fk_survey_forms_activity_id FOREIGN KEY(activity_id) REFERENCES activities (id)
);

CREATE TABLE survey_participants (
    activity_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    form_no INTEGER NOT NULL,
    CONSTRAINT pk_survey_participants PRIMARY KEY (activity_id, member_id),
    CONSTRAINT fk_survey_participants_activity_id FOREIGN KEY(activity_id, form_no)
        REFERENCES survey_forms (activity_id, form_no),
    CONSTRAINT fk_survey_participants_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE TABLE survey_answers (
    id VARCHAR(26) NOT NULL,
    activity_id VARCHAR(26) NOT NULL,
    form_no INTEGER NOT NULL,
    anonymous BOOLEAN NOT NULL,
    member_id BIGINT,
    store_id BIGINT,
    tier VARCHAR(24) NOT NULL,
    picks JSONB NOT NULL,
    texts JSONB NOT NULL,
    answered_on DATE NOT NULL,
    CONSTRAINT pk_survey_answers PRIMARY KEY (id),
    CONSTRAINT uq_survey_answers_member_id_activity_id UNIQUE (member_id, activity_id),
    CONSTRAINT ck_survey_answers_anonymous_names_nobody CHECK (NOT anonymous OR member_id IS NULL),
    CONSTRAINT fk_survey_answers_activity_id FOREIGN KEY(activity_id, form_no)
        REFERENCES survey_forms (activity_id, form_no),
    CONSTRAINT fk_survey_answers_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_survey_answers_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
);

CREATE INDEX ix_survey_answers_activity_id_form_no_id ON survey_answers (activity_id, form_no, id);

CREATE TABLE feedback_threads (
    id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    category VARCHAR(7) NOT NULL,
    store_id BIGINT,
    sale_id VARCHAR(26),
    state VARCHAR(8) NOT NULL,
    version INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    read_no INTEGER NOT NULL,
    opened_at timestamptz NOT NULL,
    answered_at timestamptz,
    last_at timestamptz NOT NULL,
    CONSTRAINT pk_feedback_threads PRIMARY KEY (id),
    CONSTRAINT ck_feedback_threads_category
        CHECK (category IN ('product', 'service', 'store', 'app', 'other')),
    CONSTRAINT ck_feedback_threads_state CHECK (state IN ('open', 'answered', 'closed', 'erased')),
    CONSTRAINT ck_feedback_threads_version_positive CHECK (version > 0),
    CONSTRAINT ck_feedback_threads_read_within CHECK (read_no BETWEEN 0 AND messages),
    CONSTRAINT fk_feedback_threads_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_feedback_threads_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_feedback_threads_sale_id FOREIGN KEY(sale_id) REFERENCES sales (id)
);

CREATE INDEX ix_feedback_threads_member_id_id ON feedback_threads (member_id, id);
CREATE INDEX ix_feedback_threads_state_id ON feedback_threads (state, id);

CREATE TABLE feedback_messages (
    thread_id VARCHAR(26) NOT NULL,
    message_no INTEGER NOT NULL,
    author VARCHAR(6) NOT NULL,
    staff_id BIGINT,
    body VARCHAR(1000),
    at timestamptz NOT NULL,
    CONSTRAINT pk_feedback_messages PRIMARY KEY (thread_id, message_no),
    CONSTRAINT ck_feedback_messages_message_no_positive CHECK (message_no > 0),
    CONSTRAINT ck_feedback_messages_author CHECK (author IN ('member', 'staff')),
    CONSTRAINT ck_feedback_messages_staff_named CHECK ((author = 'staff') = (staff_id IS NOT NULL)),
    CONSTRAINT ck_feedback_messages_body_bounded CHECK (length(body) BETWEEN 1 AND 1000),
    CONSTRAINT fk_feedback_messages_thread_id FOREIGN KEY(thread_id) REFERENCES feedback_threads (id),
    CONSTRAINT fk_feedback_messages_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id)
);
"""

GUARDS = """
CREATE TRIGGER survey_forms_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON survey_forms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER survey_participants_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON survey_participants
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- What was said is not changed; of whom it was, and their words, can be forgotten.
CREATE TRIGGER survey_answers_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, activity_id, form_no, anonymous, store_id, tier, picks, answered_on ON survey_answers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER survey_answers_only_forgotten BEFORE UPDATE OF member_id, texts ON survey_answers
    FOR EACH ROW WHEN (NEW.member_id IS NOT NULL OR NEW.texts <> '{}') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER feedback_threads_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, member_id, category, store_id, sale_id, opened_at ON feedback_threads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER feedback_messages_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF thread_id, message_no, author, staff_id, at ON feedback_messages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER feedback_messages_only_forgotten BEFORE UPDATE OF body ON feedback_messages
    FOR EACH ROW WHEN (NEW.body IS NOT NULL) EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.drop_constraint("ck_activities_kind", "activities")
    op.execute(
        f"ALTER TABLE activities ADD CONSTRAINT ck_activities_kind CHECK (kind IN ({KINDS}, 'survey'))"
    )
    op.execute(TABLES)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute(
        "DROP TABLE feedback_messages, feedback_threads, survey_answers, survey_participants, survey_forms"
    )
    op.drop_constraint("ck_activities_kind", "activities")
    op.execute(f"ALTER TABLE activities ADD CONSTRAINT ck_activities_kind CHECK (kind IN ({KINDS}))")
