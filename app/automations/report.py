"""What an automation did: occasions, what became of them, and who bought afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, text

from app.automations.automation import one
from app.automations.models import Automation
from app.campaigns.returns import Arm, uplift_bp
from app.db import transaction

_RUNS = text("""
    SELECT r.state, r.refused, r.untold, r.unissued, m.state AS message, count(*)::integer AS runs,
        count(i.read_at)::integer AS read, count(k.clicked_at)::integer AS clicked,
        sum(r.coupons)::bigint AS coupons, sum(r.points)::bigint AS points
    FROM automation_runs r LEFT JOIN messages m ON m.id = r.message_id
    LEFT JOIN inbox_items i ON i.message_id = r.message_id LEFT JOIN automation_clicks k ON k.run_id = r.id
    WHERE r.automation_no = :no GROUP BY 1, 2, 3, 4, 5""")
_COUPONS = text("""
    SELECT count(*) FILTER (WHERE c.used > c.restored)::integer AS used FROM automation_runs r
    JOIN coupons c ON c.source = 'automation' AND c.source_id = r.id::text
    WHERE r.automation_no = :no AND r.coupons > 0""")
# A purchase counts once, while something of it is kept, as in campaigns. By side: what was done, and who was held out.
_BOUGHT = text("""
    WITH meant AS MATERIALIZED (
        SELECT member_id, decided_at, CASE state WHEN 'acted' THEN 'told' ELSE 'control' END AS side
        FROM automation_runs WHERE automation_no = :no AND version >= :since
            AND (state = 'acted' OR refused = 'held_out')),
    bought AS (
        SELECT DISTINCT t.side, s.id, s.member_id, s.amount_fen - coalesce(b.fen, 0) AS fen
        FROM meant t JOIN sales s ON s.member_id = t.member_id
            AND s.occurred_at >= t.decided_at AND s.occurred_at < t.decided_at + CAST(:lasts AS interval)
        LEFT JOIN LATERAL (SELECT sum(f.amount_fen) AS fen FROM refunds f WHERE f.sale_id = s.id) b ON true
        WHERE b.fen IS NULL OR b.fen < s.amount_fen)
    SELECT t.side, t.members, count(DISTINCT b.member_id)::integer AS buyers, count(b.id)::integer AS sales,
        coalesce(sum(b.fen), 0)::bigint AS revenue_fen
    FROM (SELECT side, count(DISTINCT member_id)::integer AS members FROM meant GROUP BY side) t
    LEFT JOIN bought b USING (side) GROUP BY t.side, t.members""")


@dataclass(frozen=True, kw_only=True)
class Report:
    """`triggered` = `waiting` + `acted` + those `refused`, by reason; those older than 90 days are not kept.

    `untold` and `unissued` are parts that are missing of what was done, by reason. Messages are by their state;
    `clicked` are those by a tap on which somebody came into the mini-program.
    `buyers` bought within the days of attribution after it was done for them. `told` and `control`, those held out,
    are compared since as many are held out as now, and `uplift_bp` is the rate of the one less that of the other, None
    where there is nobody to compare with.
    """

    state: str
    triggered: int
    waiting: int
    acted: int
    refused: Mapping[str, int]
    untold: Mapping[str, int]
    unissued: Mapping[str, int]
    messages: Mapping[str, int]
    read: int
    clicked: int
    coupons: int
    coupons_used: int
    points: int
    buyers: int
    sales: int
    revenue_fen: int
    told: Arm
    control: Arm
    uplift_bp: int | None


def report(*, no: int) -> Report:
    """Raises `NotFound`."""
    with transaction() as session:
        automation = one(session, no)
        return _report(session.connection(), automation)


def _report(connection: Connection, automation: Automation) -> Report:
    no = automation.no
    counts: dict[str, dict[str, int]] = {
        "refused": {},
        "untold": {},
        "unissued": {},
        "message": {},
        "state": {},
    }
    read, clicked, coupons, points = 0, 0, 0, 0
    for row in connection.execute(_RUNS, {"no": no}):
        for column, found in counts.items():
            value = getattr(row, column)
            if value is not None:
                found[value] = found.get(value, 0) + row.runs
        read, clicked = read + row.read, clicked + row.clicked
        coupons, points = coupons + row.coupons, points + row.points
    messages = {
        **dict.fromkeys(("pending", "sent", "failed", "unknown", "cancelled"), 0),
        **counts["message"],
    }
    messages["pending"] += messages.pop("leased", 0)
    ever = since = _sides(connection, automation, 1)
    if automation.hold_out_since > 1:
        since = _sides(connection, automation, automation.hold_out_since)
    told, control = since["told"], since["control"]
    return Report(
        state=automation.state,
        triggered=sum(counts["state"].values()),
        waiting=counts["state"].get("waiting", 0),
        acted=counts["state"].get("acted", 0),
        refused=dict(sorted(counts["refused"].items())),
        untold=dict(sorted(counts["untold"].items())),
        unissued=dict(sorted(counts["unissued"].items())),
        messages=messages,
        read=read,
        clicked=clicked,
        coupons=coupons,
        coupons_used=connection.execute(_COUPONS, {"no": no}).scalar_one(),
        points=points,
        buyers=ever["told"].buyers,
        sales=ever["told"].sales,
        revenue_fen=ever["told"].revenue_fen,
        told=told,
        control=control,
        uplift_bp=uplift_bp(told, control),
    )


def _sides(connection: Connection, automation: Automation, since: int) -> dict[str, Arm]:
    """Of the versions from that one on."""
    lasts = timedelta(days=automation.attribution_days)
    asked = {"no": automation.no, "since": since, "lasts": lasts}
    sides = {"told": Arm(), "control": Arm()}
    for row in connection.execute(_BOUGHT, asked):
        values = {name: value for name, value in row._mapping.items() if name != "side"}
        sides[row.side] = Arm(**values)
    return sides
