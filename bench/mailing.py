"""Members to write to, campaigns to plan and messages to send: laid in in bulk, with a history to look through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.ids import new_id
from app.messages.policy import MessagePolicy
from app.policies import change, standing
from bench.stock import in_bulk

APP_ID, TEMPLATE = "wx0123456789abcdef", "bench-campaign"
#: More than the rounds of a run use up.
CREDITS = 1_000

_MEMBERS = """
    INSERT INTO members (public_id, member_no, name, language, joined_at)
    SELECT 'W' || lpad(n::text, 25, '0'), '9' || lpad(n::text, 9, '0'), '李四' || n,
        CASE WHEN n % 10 = 0 THEN 'en' ELSE 'zh' END, :now FROM generate_series(1, :members) n"""
_FIRST = "SELECT min(id) FROM members WHERE public_id LIKE 'W%'"
_ACCOUNTS = """
    INSERT INTO ledger_accounts (member_id, unit, balance)
    SELECT :first + n, 'points', 0 FROM generate_series(0, :members - 1) n"""
_IDENTITIES = """
    INSERT INTO member_identities (member_id, provider, app_id, subject, created_at)
    SELECT :first + n - 1, 'wechat_mini', :app_id, openid, :now
    FROM unnest(CAST(:openids AS text[])) WITH ORDINALITY AS o (openid, n)"""
_TEMPLATE = """
    INSERT INTO subscribe_templates (template_id, name, category, long_term, fields, page, asked_when, enough,
        created_at)
    VALUES (:template, '活动通知', 'marketing', false, '[{"key": "thing1", "label": "活动"}]',
        'pages/coupon_centre/index', 'coupons', 1, :now)"""
_CREDITS = """
    INSERT INTO subscription_credits (member_id, template_id, credits)
    SELECT :first + n, :template, :credits FROM generate_series(0, :members - 1) n"""
_GRANTED = """
    INSERT INTO subscription_changes (member_id, template_id, change, cause, source, at)
    SELECT :first + n, :template, :credits, 'accepted', 'bench:' || n, :now FROM generate_series(0, :members - 1) n"""
# What they were told ten days ago: a cap has something to look through, and no statement is planned over nothing.
_HISTORY = """
    INSERT INTO messages (id, member_id, kind, category, channel, template_id, dedupe_key, params, state, due_at,
        created_at, finished_at)
    SELECT :head || lpad(n::text, 10, '0'), :first + n, 'campaign', 'marketing', 'wechat_subscribe', :template,
        'bench-history:' || n, '{}', 'sent', at, at, at
    FROM generate_series(0, :members - 1) n, LATERAL (SELECT CAST(:now AS timestamptz) - interval '10 days' AS at) t"""
_ATTEMPTS = """
    INSERT INTO message_attempts (message_id, attempt, started_at, finished_at, outcome)
    SELECT id, 1, due_at, due_at, 'sent' FROM messages WHERE dedupe_key LIKE 'bench-history:%'"""
_ROWS = (_ACCOUNTS, _IDENTITIES, _TEMPLATE, _CREDITS, _GRANTED, _HISTORY, _ATTEMPTS)


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """Members from number `first` on, so many of them."""

    first: int
    members: int


def lay_in(engine: Engine, *, openids: Sequence[str]) -> Mailing:
    """As many members as openids. Nobody is refused for a cap, and no night keeps anything waiting."""
    now = clock.now()
    value = {"quiet_from": None, "most_a_day": 50, "most_a_week": 50}
    change(kind=MessagePolicy, value=value, version=standing(MessagePolicy).version, actor=OPERATOR, now=now)
    facts = {"now": now, "members": len(openids), "app_id": APP_ID, "openids": list(openids)}
    facts |= {"template": TEMPLATE, "credits": CREDITS, "head": new_id(now)[:16]}
    with in_bulk(engine) as connection:
        connection.execute(text(_MEMBERS), facts)
        facts["first"] = connection.execute(text(_FIRST)).scalar_one()
        for statement in _ROWS:
            connection.execute(text(statement), facts)
        connection.execute(text("VACUUM ANALYZE"))
    return Mailing(first=int(facts["first"]), members=len(openids))  # type: ignore[call-overload]


_CONTENT = """{
    "inbox": {"zh": {"title": "周年庆", "body": "{name}，本周全场八折，您有 {points} 积分可用。"},
        "en": {"title": "Our anniversary", "body": "{name}, 20% off this week. You have {points} points."}},
    "wechat": {"template_id": "bench-campaign", "zh": {"thing1": "{tier}：本周八折"},
        "en": {"thing1": "20% off this week"}}}"""
# With a budget: without one it would be bound by what a second person was told.
_CAMPAIGN = """
    INSERT INTO campaigns (id, name, state, version, audience_id, excluded_ids, channel, else_inbox, content, starts_at,
        drip_hours, hold_out_bp, attribution_days, budget_fen, approval_id, created_at, began_at)
    VALUES (:id, '周年庆', 'running', 1, 'bench', '[]', 'wechat_subscribe', true, CAST(:content AS jsonb), :now, 0, 0,
        7, 1000000, 'bench', :now, :now)"""
_MEANT = """
    INSERT INTO campaign_members (campaign_id, member_id, arm, state, due_after)
    SELECT :id, :first + n, 'told', 'waiting', :now FROM generate_series(0, :members - 1) n"""


def begun(engine: Engine, mailing: Mailing, now: datetime) -> str:
    """A campaign to all of them that has begun, and nobody has planned anything yet; its id."""
    campaign_id = new_id(now)
    facts = {
        "id": campaign_id,
        "now": now,
        "content": _CONTENT,
        "first": mailing.first,
        "members": mailing.members,
    }
    with in_bulk(engine) as connection:
        connection.execute(
            text("SET session_replication_role = replica")
        )  # without segment and second person
        connection.execute(text(_CAMPAIGN), facts)
        connection.execute(text(_MEANT), facts)
        connection.execute(text("RESET session_replication_role"))
        connection.execute(text("ANALYZE campaign_members"))
    return campaign_id


_DUE = """
    INSERT INTO messages (id, member_id, kind, category, channel, template_id, dedupe_key, params, due_at, created_at)
    SELECT :head || lpad(n::text, 10, '0'), :first + n % :members, 'campaign', 'marketing', 'wechat_subscribe',
        :template, :head || n, CAST(:params AS jsonb), :now, :now FROM generate_series(0, :count - 1) n"""
_PARAMS = """{
    "language": "zh", "title_zh": "周年庆", "title_en": "Our anniversary",
    "body_zh": "李四，本周全场八折，您有 0 积分可用。", "body_en": "李四, 20% off this week. You have 0 points.",
    "wechat": {"template_id": "bench-campaign", "page": "pages/coupon_centre/index",
        "data": {"thing1": {"value": "会员：本周八折"}}}}"""


def backlog(engine: Engine, mailing: Mailing, count: int, now: datetime) -> str:
    """So many messages of a campaign that are due, each to the next member; what their ids begin with."""
    facts = {"head": new_id(now)[:16], "count": count, "template": TEMPLATE, "params": _PARAMS, "now": now}
    with in_bulk(engine) as connection:
        connection.execute(text(_DUE), facts | {"first": mailing.first, "members": mailing.members})
    return str(facts["head"])
