"""Who follows the official account, and which member that is.

WeChat's events say who follows, by an openid of the account; only WeChat knows which person that is, and says so as
the unionid that their login to the mini-program carries too. Openid and unionid are kept sealed or as keyed hashes.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import transaction
from app.members.phones import PhoneVault
from app.providers import Misconfigured, ProviderRefused, ProviderUnavailable
from app.providers.wechat import Follower, Push, WechatClient
from app.pruning import always

log = logging.getLogger(__name__)

_LONGEST_OPENID = 128
#: Whoever does such a thing follows; so does who writes. Events about messages come of people who left, too.
_FOLLOWS, _LEAVES = frozenset({None, "subscribe", "SCAN", "CLICK", "VIEW"}), "unsubscribe"
_BATCH = 20
#: Longer than asking for a whole batch takes; who died while asking has not kept anybody else from it for longer.
_ASKED_AGAIN = timedelta(minutes=5)

# An event older than the last one changes nothing; of the same second, leaving counts. Of whom WeChat could not say who
# they are it is asked once more when they do something: the account may have been bound to the mini-program's since.
_FOLLOW = text("""
    INSERT INTO official_followers AS f (openid_index, app_id, cipher, told_at, ask_at)
    VALUES (:index, :app_id, :cipher, :told_at, :now)
    ON CONFLICT (openid_index) DO UPDATE SET told_at = excluded.told_at,
        (cipher, ask_at) = (SELECT CASE WHEN n.asks THEN excluded.cipher ELSE f.cipher END,
            CASE WHEN n.asks THEN excluded.ask_at ELSE f.ask_at END
            FROM (SELECT f.cipher IS NULL OR f.union_index IS NULL AND f.ask_at IS NULL AS asks) n)
    WHERE f.told_at < excluded.told_at""")
_LEAVE = text("""
    INSERT INTO official_followers AS f (openid_index, app_id, told_at) VALUES (:index, :app_id, :told_at)
    ON CONFLICT (openid_index) DO UPDATE
        SET cipher = NULL, union_index = NULL, member_id = NULL, ask_at = NULL, told_at = excluded.told_at
    WHERE f.told_at <= excluded.told_at""")
_TAKE = text("""
    UPDATE official_followers f SET ask_at = :again
    FROM (SELECT openid_index FROM official_followers WHERE app_id = :app_id AND ask_at <= :now
        ORDER BY ask_at LIMIT :most FOR UPDATE SKIP LOCKED) due
    WHERE f.openid_index = due.openid_index RETURNING f.openid_index, f.cipher""")
_KNOW = text("""
    UPDATE official_followers SET ask_at = NULL, union_index = :union, member_id = (
        SELECT member_id FROM member_identities WHERE union_subject = CAST(:unionid AS text) ORDER BY id LIMIT 1)
    WHERE openid_index = :index AND cipher IS NOT NULL""")
_GONE = text("""
    UPDATE official_followers SET cipher = NULL, union_index = NULL, member_id = NULL, ask_at = NULL
    WHERE openid_index = :index""")
_LINK = text("UPDATE official_followers SET member_id = :member_id WHERE union_index = :union")
# Learning who a follower is and logging in for the first time may come at once: neither must miss the other.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(encode(:union, 'hex'), 2))")


def note(push: Push, *, app_id: str, vault: PhoneVault, now: datetime) -> None:
    """What an event of the account says about following it; twice, late or out of order changes nothing more."""
    if not 0 < len(push.openid) <= _LONGEST_OPENID or "\0" in push.openid:
        return
    index = vault.follower(app_id, push.openid)
    told = {"index": index, "app_id": app_id, "told_at": min(push.created_at, now)}
    if push.event == _LEAVES:
        with transaction() as session:
            session.execute(_LEAVE, told)
    elif push.event in _FOLLOWS:
        with transaction() as session:
            cipher = vault.seal_openid(push.openid, index.hex())
            session.execute(_FOLLOW, {**told, "cipher": cipher, "now": now})


def learn(
    client: WechatClient, *, vault: PhoneVault, now: datetime, keep_going: Callable[[], bool] = always
) -> int:
    """Ask WeChat who the new followers are; how many were asked about. Stops while WeChat does not answer."""
    asked = 0
    while keep_going():
        with transaction() as session:
            taken = {"app_id": client.appid, "now": now, "again": now + _ASKED_AGAIN, "most": _BATCH}
            due = session.execute(_TAKE, taken).all()
        for row in due:
            try:
                found = client.follower(vault.open_openid(row.cipher, row.openid_index.hex()))
            except (ProviderUnavailable, Misconfigured):
                return asked
            except ProviderRefused:
                found = Follower(follows=True, unionid=None)  # logged by the client: nothing to be learnt
            _know(row.openid_index, found, vault)
            asked += 1
        if len(due) < _BATCH:
            break
    return asked


def link(session: Session, member_id: int, unionid: str, *, vault: PhoneVault) -> None:
    """Whoever follows with that unionid is this member, who has just logged in."""
    union = vault.union(unionid)
    session.execute(_ONE_AT_A_TIME, {"union": union})
    session.execute(_LINK, {"union": union, "member_id": member_id})


def lost(session: Session, member_id: int) -> None:
    """WeChat says that the member does not follow: what it says next, as an event, counts again."""
    session.execute(
        text("""
        UPDATE official_followers SET cipher = NULL, union_index = NULL, member_id = NULL, ask_at = NULL
        WHERE member_id = :member_id"""),
        {"member_id": member_id},
    )


def _know(index: bytes, found: Follower, vault: PhoneVault) -> None:
    with transaction() as session:
        if not found.follows:
            session.execute(_GONE, {"index": index})
            return
        union = None if found.unionid is None else vault.union(found.unionid)
        if union is not None:
            session.execute(_ONE_AT_A_TIME, {"union": union})
        session.execute(_KNOW, {"index": index, "union": union, "unionid": found.unionid})
