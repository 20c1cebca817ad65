"""How the database goes about a batch of a campaign, among many members: by indexes, whatever list it is given."""

import re
from typing import Any

from sqlalchemy import Connection, Engine

from app.campaigns import plan as planning
from app.coupons import give_each
from app.messages import plan
from app.messages.may import values
from app.messages.policy import MessagePolicy
from tests.campaigns import audience
from tests.marketing import NOON, TEMPLATE, asked
from tests.shop import Shop

# Enough to make reading all of them dear; rolled back.
SEEDED = (
    """
    INSERT INTO members (public_id, member_no, name, language, tier_id, marketing_opt_out, status, joined_at)
    SELECT 'M' || lpad(n::text, 25, '0'), lpad(n::text, 10, '0'), '', 'zh', 1, false, 'active', now()
    FROM generate_series(1, 5000) n""",
    """
    INSERT INTO campaigns (id, name, state, version, audience_id, excluded_ids, channel, else_inbox, content,
        drip_hours, hold_out_bp, attribution_days, created_at)
    SELECT 'C', 'c', 'draft', 1, (SELECT id FROM segments LIMIT 1), '[]', 'inbox', false, '{}', 0, 0, 7, now()""",
    """
    INSERT INTO campaign_members (campaign_id, member_id, arm, state, due_after)
    SELECT 'C', id, 'told', 'waiting', now() FROM members""",
    """
    INSERT INTO messages (id, member_id, kind, category, channel, dedupe_key, params, due_at, created_at)
    SELECT 'N' || lpad(id::text, 25, '0'), id, 'campaign', 'marketing', 'inbox', id::text, '{}', now(), now()
    FROM members""",
    """
    INSERT INTO subscription_credits (member_id, template_id, credits) SELECT id, 'T', 1 FROM members""",
)


def kept_plan(connection: Connection, statement: str, given: dict[str, Any]) -> str:
    """How it goes about it once it keeps one plan for whatever it is given."""
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    place = re.compile(r"(?<![:\w]):([a-z_]+)")
    names = list(dict.fromkeys(place.findall(statement)))
    numbered = place.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
    connection.exec_driver_sql(f"PREPARE looked_at AS {numbered}")
    said = ", ".join("NULL" if given[name] is None else f"'{given[name]}'" for name in names)
    lines = connection.exec_driver_sql(f"EXPLAIN EXECUTE looked_at({said})").scalars().all()
    connection.exec_driver_sql("DEALLOCATE looked_at")
    return "\n".join(lines)


def test_a_batch_is_found_and_looked_at_by_indexes(shop: Shop, engine: Engine) -> None:
    audience([])
    what = values(asked("wechat_subscribe", template_id=TEMPLATE), MessagePolicy())
    more = {"each": "[]", "subject": "s", "kind": "campaign", "params": "{}", "now": NOON}
    with engine.connect() as connection:
        for statement in SEEDED:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("ANALYZE members, campaign_members, messages, subscription_credits")
        take = kept_plan(connection, planning._TAKE.text, {"id": "C", "now": NOON, "most": 2_000})
        connection.execute(planning._ROW_BY_ROW)
        planned = kept_plan(connection, plan._PLAN.text, what | more)
        had = {"member_ids": "{}", "template_id": "T", "day": "2026-01-01"}
        counted = kept_plan(connection, give_each._HAD.text, had)
        connection.rollback()
    assert "Index Scan using ix_campaign_members_waiting" in take
    assert "Sort" not in take
    assert re.search(r"Index Cond: \(id = \(+\w+\.value ->> 1", planned), "not compared with each of the list"
    for table in ("members", "messages", "subscription_credits"):
        assert f"Seq Scan on {table} " not in planned
    assert "uq_coupons_template_id_issued_to_nth" in counted
