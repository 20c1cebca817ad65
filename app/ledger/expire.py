"""What has ended leaves the balance. Whoever touches an account does it on the way; this is for all the others."""

import logging
from collections.abc import Callable
from datetime import datetime

from app.db import Busy, ask, statements
from app.pruning import always

log = logging.getLogger(__name__)

_BATCH = 500
_ENDED = """
    SELECT DISTINCT account_id FROM (
        SELECT account_id FROM ledger_lots WHERE remaining > 0 AND expires_at <= %(now)s
            AND account_id <> ALL(%(busy)s::bigint[])
        ORDER BY expires_at LIMIT %(limit)s) oldest"""
_EXPIRE = "SELECT ledger_expire(%(account_id)s, %(now)s) AS amount"


def expire(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Take out what ended at or before `now`; from how many accounts.

    May run again, late, after days of standing still, and beside another: each lot ends once. Every account is a
    transaction of its own, so no till waits longer than for one of them, and `keep_going` may stop it at any time.
    An account that somebody holds for too long is left for the next run.
    """
    done = 0
    busy: list[int] = []
    while keep_going():
        with statements() as connection:
            ended = ask(connection, _ENDED, {"now": now, "limit": _BATCH, "busy": busy})
        if not ended:
            break
        for account in ended:
            if not keep_going():
                break
            if _expire(account.account_id, now):
                done += 1
            else:
                busy.append(account.account_id)
    if busy:
        log.warning("%d accounts were busy: what ended there waits for the next run", len(busy))
    return done


def _expire(account_id: int, now: datetime) -> bool:
    """False when somebody else held the account for too long; it must not keep the others from their turn."""
    try:
        with statements() as connection:
            ask(connection, _EXPIRE, {"account_id": account_id, "now": now})
    except Busy:
        return False
    return True
