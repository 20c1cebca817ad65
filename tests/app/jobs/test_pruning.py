"""Pruning forgets what has served its time, and nothing that anybody may still ask for."""

from datetime import timedelta

from app import clock, work
from tests.messaging import Post, reckoned_up

_FOR_GOOD = (
    "sales",
    "sale_lines",
    "facts",
    "messages",
    "message_attempts",
    "inbox_items",
    "ledger_entries",
    "ledger_lots",
    "ledger_transactions",
    "members",
    "member_identities",
    "subscription_changes",
    "subscription_credits",
    "audit_log",
)
_FOR_A_TIME = (
    "idempotency_keys",
    "scan_tickets",
    "code_uses",
    "member_sessions",
    "staff_sessions",
    "login_codes",
)


def counts(post: Post, tables: tuple[str, ...]) -> dict[str, int]:
    return {table: int(post.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in tables}


def used(post: Post) -> None:
    """A member who bought twice, one receipt by WeChat and one in the inbox."""
    member = post.person("alice", credits=1)
    post.buy(member)
    post.facts([member.member_id])
    post.relay_and_send()


def test_nothing_of_today_is_forgotten(post: Post) -> None:
    used(post)
    before = counts(post, _FOR_GOOD + _FOR_A_TIME)

    assert set(work.prune(clock.now()).values()) == {0}

    assert counts(post, _FOR_GOOD + _FOR_A_TIME) == before


def test_after_nine_days_answers_and_scans_are_forgotten_and_sessions_go_on(post: Post) -> None:
    used(post)
    for_good, sessions = counts(post, _FOR_GOOD), counts(post, ("member_sessions",))

    work.prune(clock.now() + timedelta(days=9))

    assert counts(post, _FOR_GOOD) == for_good
    assert counts(post, ("idempotency_keys", "scan_tickets", "code_uses")) == {
        "idempotency_keys": 0,
        "scan_tickets": 0,
        "code_uses": 0,
    }
    assert counts(post, ("member_sessions",)) == sessions
    assert reckoned_up(post) == {"sent": 2}


def test_after_a_year_only_what_is_kept_for_good_is_left(post: Post) -> None:
    used(post)
    for_good = counts(post, _FOR_GOOD)

    work.prune(clock.now() + timedelta(days=365))
    again = work.prune(clock.now() + timedelta(days=365))

    assert set(again.values()) == {0}
    assert counts(post, _FOR_GOOD) == for_good
    assert set(counts(post, _FOR_A_TIME).values()) == {0}
