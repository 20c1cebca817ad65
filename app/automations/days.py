"""Who is meant by a day of the calendar: one question to the database for each kind, asked of days, for all or some.

Of each day `d.day` it answers with members and their occasion (some more than once), as things stood at `d.at`, the
day's beginning. What is left of lots and coupons is what is left now; asked of the past it is counted back instead.
`d.seen` is the first day of which purchases are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.automations.triggers import CALENDAR_KINDS
from app.clock import HOME_ZONE

_DAYS = "CAST(a.trigger ->> 'days' AS integer)"
_THAT = f"(d.day + {_DAYS})"
_AGO = f"(d.day - {_DAYS})"


def _begins(day: str) -> str:
    return f"(CAST({day} AS timestamp) AT TIME ZONE '{HOME_ZONE}')"


def _ends(column: str) -> str:
    """What can be used through that day ends at the next midnight."""
    return f"{column} > {_begins(_THAT)} AND {column} <= {_begins(f'{_THAT} + 1')}"


def _ends_then(column: str) -> str:
    """The same as one date that equals another: so that many days are found in one pass, where no index helps."""
    return f"CAST(({column} - interval '1 microsecond') AT TIME ZONE '{HOME_ZONE}' AS date) = {_THAT}"


def _at_least(word: str) -> str:
    return f"coalesce(CAST(a.trigger ->> '{word}' AS bigint), 1)"


@dataclass(frozen=True, kw_only=True)
class Question:
    """`sql` may have `{left}` and always has `{some}`, for those whose `member` is one of `:members`."""

    sql: str
    member: str
    left_now: str = ""
    left_then: str = ""

    def of(self, *, past: bool, some: bool) -> str:
        whose = f"AND {self.member} = ANY(CAST(:members AS bigint[]))" if some else ""
        return self.sql.format(some=whose, left=self.left_then if past else self.left_now)


# What was taken of a lot later is put back, one that came later is none.
_LOTS_THEN = """SELECT l.amount - coalesce((SELECT sum(o.amount) FROM ledger_allocations o
            JOIN ledger_entries e ON e.id = o.entry_id JOIN ledger_transactions x ON x.id = e.transaction_id
            WHERE o.lot_id = l.id AND x.occurred_at < d.at), 0) AS remaining
        FROM ledger_entries e JOIN ledger_transactions x ON x.id = e.transaction_id
        WHERE e.id = l.entry_id AND x.occurred_at < d.at"""


def _lots(unit: str, at_least: str) -> Question:
    return Question(
        sql=f"""SELECT u.member_id, CAST({_THAT} AS text) AS occasion
            FROM ledger_lots l JOIN ledger_accounts u ON u.id = l.account_id AND u.unit = '{unit}'
            CROSS JOIN LATERAL ({{left}}) q WHERE {_ends("l.expires_at")} AND q.remaining > 0 {{some}}
            GROUP BY u.member_id HAVING sum(q.remaining) >= {_at_least(at_least)}""",  # noqa: S608  # our own words
        member="u.member_id",
        # Said of the lot itself, so that the index of those with something left is used.
        left_now="SELECT l.remaining WHERE l.remaining > 0",
        left_then=_LOTS_THEN,
    )


_OF_YEAR = "CAST(to_char({day}, 'MMDD') AS integer)"
_LEAP = (
    f"""CASE WHEN to_char({_THAT}, 'MMDD') = '0228' AND to_char({_THAT} + 1, 'MMDD') = '0301' THEN 229 END"""
)
# Who gives something for a birthday asks, as its gift does, that it had been known for long (app/tiers/birthdays.py).
_KNOWN = f"""(NOT (a.actions ? 'points' OR a.actions ? 'coupon')
            OR b.birthday_set_at <= {_begins(_THAT)} - interval '30 days')"""
_OF_STORED_VALUE = "('principal_fen', 'bonus_fen')"
# Each movement with the next one, of whichever account: read once, however many days are asked about. What ends by
# itself is no use of it. Before the first day that can be meant nothing is looked at.
_MOVED = f"""SELECT u.member_id, x.occurred_at AS at, CAST(x.occurred_at AT TIME ZONE '{HOME_ZONE}' AS date) AS day,
            lead(x.occurred_at) OVER (PARTITION BY u.member_id ORDER BY x.occurred_at, e.id) AS next_at
        FROM ledger_accounts u JOIN ledger_entries e ON e.account_id = u.id
        JOIN ledger_transactions x ON x.id = e.transaction_id
        WHERE u.unit IN {_OF_STORED_VALUE} AND x.kind <> 'expire' {{some}}
            AND x.occurred_at >= {_begins(f"(SELECT min(t) FROM unnest(CAST(:days AS date[])) t) - {_DAYS}")}"""  # noqa: S608
_STORED_VALUE = f"""(SELECT sum((SELECT e.balance_after FROM ledger_entries e
            JOIN ledger_transactions x ON x.id = e.transaction_id
            WHERE e.account_id = u.id AND x.occurred_at < d.at ORDER BY e.seq DESC LIMIT 1))
        FROM ledger_accounts u WHERE u.member_id = v.member_id AND u.unit IN {_OF_STORED_VALUE})"""  # noqa: S608
_GRACE = """(SELECT CAST(p.definition ->> 'grace_days' AS integer) FROM tier_plans p
            WHERE p.effective_from <= d.at ORDER BY p.version DESC LIMIT 1)"""

QUESTIONS: Mapping[str, Question] = {
    "birthday": Question(
        sql=f"""SELECT b.id AS member_id, CAST({_THAT} AS text) AS occasion
            FROM unnest(ARRAY[{_OF_YEAR.format(day=_THAT)}, {_LEAP}]) w (of_year) JOIN members b
            ON CAST(date_part('month', b.birthday) * 100 + date_part('day', b.birthday) AS integer) = w.of_year
            WHERE b.birthday IS NOT NULL AND {_KNOWN} {{some}}""",  # noqa: S608
        member="b.id",
    ),
    "points_ending": _lots("points", "at_least"),
    "bonus_ending": _lots("bonus_fen", "at_least_fen"),
    "coupon_ending": Question(
        sql=f"""SELECT c.member_id, CAST({_THAT} AS text) AS occasion FROM coupons c
            WHERE {_ends_then("c.valid_until")} AND c.template_id = coalesce(a.trigger ->> 'template', c.template_id)
                AND {{left}} {{some}}""",  # noqa: S608
        member="c.member_id",
        left_now="c.state = 'held'",
        left_then="""c.issued_at < d.at AND (c.state = 'held' OR EXISTS (SELECT FROM coupon_events v
                WHERE v.coupon_id = c.id AND v.kind IN ('redeemed', 'recalled') AND v.at >= d.at))""",
    ),
    # Whether it has been earned again meanwhile is asked of app/tiers/ending.py.
    "tier_ending": Question(
        sql=f"""SELECT c.member_id, CAST({_THAT} AS text) AS occasion FROM tier_changes c
            WHERE c.valid_through + {_GRACE} = {_THAT} AND c.to_tier <> 'normal' AND c.decided_at < d.at {{some}}
                AND NOT EXISTS (SELECT FROM tier_changes n
                    WHERE n.member_id = c.member_id AND n.seq > c.seq AND n.decided_at < d.at)""",  # noqa: S608
        member="c.member_id",
    ),
    "idle_balance": Question(
        sql=f"""SELECT v.member_id, CAST(v.day AS text) AS occasion FROM ({_MOVED}) v
            WHERE v.day = {_AGO} AND v.at < d.at AND (v.next_at IS NULL OR v.next_at >= d.at)
                AND {_STORED_VALUE} >= {_at_least("at_least_fen")}""",  # noqa: S608
        member="u.member_id",
    ),
    "no_visit": Question(
        sql=f"""SELECT v.member_id, CAST(v.day AS text) AS occasion FROM member_days v
            WHERE v.day = {_AGO} {{some}} AND NOT EXISTS (SELECT FROM member_days n
                WHERE n.member_id = v.member_id AND n.day > v.day AND n.day < d.seen)""",  # noqa: S608
        member="v.member_id",
    ),
}
assert tuple(QUESTIONS) == CALENDAR_KINDS
