"""Events: sessions with seats, bookings and the waiting list, feedback; coupons used away from a till."""

from alembic import op

revision = "0027_events"
down_revision = "0026_activity_forms"

TABLES = """
CREATE TABLE events (
    id VARCHAR(26) NOT NULL,
    version INTEGER NOT NULL,
    state VARCHAR(9) NOT NULL,
    store_id BIGINT NOT NULL,
    content JSONB NOT NULL,
    created_by BIGINT,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT ck_events_state CHECK (state IN ('draft', 'live', 'closed', 'cancelled')),
    CONSTRAINT ck_events_version_positive CHECK (version > 0),
    CONSTRAINT fk_events_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_events_created_by FOREIGN KEY(created_by) REFERENCES staff (id)
);

CREATE TABLE event_sessions (
    id VARCHAR(26) NOT NULL,
    event_id VARCHAR(26) NOT NULL,
    state VARCHAR(9) DEFAULT 'open' NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    opens_at timestamptz,
    closes_at timestamptz NOT NULL,
    cancel_hours INTEGER NOT NULL,
    seats INTEGER NOT NULL,
    taken INTEGER DEFAULT 0 NOT NULL,
    seats_each INTEGER NOT NULL,
    points BIGINT NOT NULL,
    template_id VARCHAR(26),
    CONSTRAINT pk_event_sessions PRIMARY KEY (id),
    CONSTRAINT ck_event_sessions_state CHECK (state IN ('open', 'cancelled')),
    CONSTRAINT ck_event_sessions_times CHECK (ends_at > starts_at AND closes_at <= starts_at AND closes_at > opens_at),
    CONSTRAINT ck_event_sessions_never_over CHECK (taken BETWEEN 0 AND seats),
    CONSTRAINT ck_event_sessions_bounds CHECK (seats_each BETWEEN 1 AND seats AND least(points, cancel_hours) >= 0),
    CONSTRAINT ck_event_sessions_one_price CHECK (template_id IS NULL OR (points = 0 AND seats_each = 1)),
    CONSTRAINT fk_event_sessions_event_id FOREIGN KEY(event_id) REFERENCES events (id),
    CONSTRAINT fk_event_sessions_template_id FOREIGN KEY(template_id) REFERENCES coupon_templates (id)
);

CREATE INDEX ix_event_sessions_event_id ON event_sessions (event_id, starts_at);

CREATE TABLE event_bookings (
    id VARCHAR(26) NOT NULL,
    session_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    state VARCHAR(9) NOT NULL,
    seats INTEGER NOT NULL,
    points BIGINT NOT NULL,
    redemption_id VARCHAR(26),
    place INTEGER,
    cancel_until timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    promoted_at timestamptz,
    attended_at timestamptz,
    attended_by BIGINT,
    terminal_id BIGINT,
    cancelled_at timestamptz,
    cancelled_for VARCHAR(11),
    cancelled_by BIGINT,
    points_back BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_event_bookings PRIMARY KEY (id),
    CONSTRAINT uq_event_bookings_place UNIQUE (session_id, place),
    CONSTRAINT uq_event_bookings_redemption_id UNIQUE (redemption_id),
    CONSTRAINT ck_event_bookings_state CHECK (state IN ('waiting', 'booked', 'attended', 'no_show', 'cancelled')),
    CONSTRAINT ck_event_bookings_positive CHECK (least(seats, place) > 0 AND points >= 0),
    CONSTRAINT ck_event_bookings_one_price CHECK (redemption_id IS NULL OR points = 0),
    CONSTRAINT ck_event_bookings_waits_at_a_place CHECK (CASE WHEN state = 'waiting'
        THEN place IS NOT NULL AND promoted_at IS NULL
        ELSE promoted_at IS NULL OR place IS NOT NULL END),
    CONSTRAINT ck_event_bookings_attended CHECK (num_nonnulls(attended_at, attended_by, terminal_id)
        = CASE state WHEN 'attended' THEN 3 ELSE 0 END),
    CONSTRAINT ck_event_bookings_cancelled CHECK (num_nonnulls(cancelled_at, cancelled_for)
        = CASE state WHEN 'cancelled' THEN 2 ELSE 0 END),
    CONSTRAINT ck_event_bookings_cancelled_for CHECK (
        cancelled_for IN ('member', 'staff', 'shop', 'not_reached', 'withdrawn')),
    CONSTRAINT ck_event_bookings_cancelled_by CHECK (
        (cancelled_by IS NOT NULL) = (cancelled_for IS NOT DISTINCT FROM 'staff')),
    CONSTRAINT ck_event_bookings_points_back CHECK (
        points_back BETWEEN 0 AND points AND (state = 'cancelled' OR points_back = 0)),
    CONSTRAINT fk_event_bookings_session_id FOREIGN KEY(session_id) REFERENCES event_sessions (id),
    CONSTRAINT fk_event_bookings_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_event_bookings_redemption_id FOREIGN KEY(redemption_id) REFERENCES coupon_redemptions (id),
    CONSTRAINT fk_event_bookings_attended_by FOREIGN KEY(attended_by) REFERENCES staff (id),
    CONSTRAINT fk_event_bookings_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_event_bookings_cancelled_by FOREIGN KEY(cancelled_by) REFERENCES staff (id)
);

CREATE UNIQUE INDEX uq_event_bookings_one_each ON event_bookings (session_id, member_id) WHERE state <> 'cancelled';
CREATE INDEX ix_event_bookings_member_id ON event_bookings (member_id, id);
CREATE INDEX ix_event_bookings_session_id ON event_bookings (session_id, id);
CREATE INDEX ix_event_bookings_open ON event_bookings (session_id) WHERE state IN ('waiting', 'booked');

CREATE TABLE event_feedback (
    booking_id VARCHAR(26) NOT NULL,
    opinion_id VARCHAR(26) NOT NULL,
    stars INTEGER NOT NULL,
    comment VARCHAR(500) NOT NULL,
    given_at timestamptz NOT NULL,
    CONSTRAINT pk_event_feedback PRIMARY KEY (booking_id),
    CONSTRAINT uq_event_feedback_opinion_id UNIQUE (opinion_id),
    CONSTRAINT ck_event_feedback_stars CHECK (stars BETWEEN 1 AND 5),
    CONSTRAINT fk_event_feedback_booking_id FOREIGN KEY(booking_id) REFERENCES event_bookings (id)
);
"""

GUARDS = """
-- What was asked for and paid stays; only how it goes on may be written, and how it ends once.
CREATE TRIGGER event_bookings_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, session_id, member_id, seats, points, redemption_id, place, asked_at ON event_bookings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION event_bookings_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the booking is over' USING ERRCODE = 'MC001';
END $$;
CREATE TRIGGER event_bookings_end_once BEFORE UPDATE ON event_bookings FOR EACH ROW
    WHEN (OLD.state IN ('attended', 'no_show', 'cancelled')) EXECUTE FUNCTION event_bookings_over();
-- What was said is not changed; its words can be forgotten.
CREATE TRIGGER event_feedback_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF booking_id, opinion_id, stars, given_at ON event_feedback
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_feedback_only_forgotten BEFORE UPDATE OF comment ON event_feedback
    FOR EACH ROW WHEN (NEW.comment <> '') EXECUTE FUNCTION refuse_change();
"""

# A booking uses a coupon from the phone: there is no till. A sale always has one.
COUPONS = """
ALTER TABLE coupon_redemptions ALTER COLUMN terminal_id DROP NOT NULL,
    ADD CONSTRAINT ck_coupon_redemptions_sale_has_till CHECK (sale_id IS NULL OR terminal_id IS NOT NULL);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(COUPONS)


def downgrade() -> None:
    op.execute("DROP TABLE event_feedback, event_bookings, event_sessions, events")
    op.execute("DROP FUNCTION event_bookings_over")
    op.execute(
        "ALTER TABLE coupon_redemptions DROP CONSTRAINT ck_coupon_redemptions_sale_has_till,"
        " ALTER COLUMN terminal_id SET NOT NULL"
    )
