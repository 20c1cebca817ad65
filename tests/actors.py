"""Everybody who may knock: members, tills, staff of each role, and those whose time is over."""

from copy import copy
from datetime import datetime, timedelta

from sqlalchemy import insert

from app import clock, db
from app.audit import OPERATOR
from app.identity.sessions import open_session
from app.ids import new_secret
from app.staff import accounts
from app.staff.models import StaffSession
from app.staff.roles import Grant
from app.staff.sign_in import session_hash
from app.stores import setup
from tests.shop import BOSS, Phone, Shop, TillClient

MEMBERS = ("member_a", "member_b")
TILLS = ("till_1", "till_2")
STAFF = ("clerk", "marketer", "manager", "admin")
ENDED = ("anonymous", "revoked_till", "disabled_staff", "expired_staff", "expired_member")
ACTORS = MEMBERS + TILLS + STAFF + ENDED


class Actors:
    """In store S001 a clerk, a marketer and a manager; an admin for all; a second store S002 with a till."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        here = shop.store.id
        self.other_store = shop.open_store("S002")
        self.admin = shop.person("chief", Grant("admin", None))
        self.manager = shop.person("manager-1", Grant("manager", here))
        self.clerk = shop.person("clerk-1", Grant("clerk", here))
        self.marketer = shop.person("marketer-1", Grant("marketer", here))
        self.disabled = shop.person("gone-1", Grant("clerk", here))
        self.disabled_token = staff_token(self.disabled.id)
        accounts.change(
            staff_id=self.disabled.id,
            version=self.disabled.version,
            name=None,
            status="disabled",
            grants=None,
            boss=BOSS,
            now=clock.now(),
        )
        self.a, self.b = shop.member("陈一"), shop.member("林二")
        self.till_2 = shop.add_till("S002", "T1")
        self.revoked = shop.add_till("S001", "T9")
        [key] = [key for key in keys() if key.terminal_code == "T9"]
        setup.revoke_api_key(key_id=key.id, actor=OPERATOR, now=clock.now())

    def again(self, shop: Shop) -> "Actors":
        """The same people around the same shop in another database."""
        other = copy(self)
        other.shop = shop
        other.a, other.b = (
            Phone(one.member_id, one.token, shop.app.test_client()) for one in (self.a, self.b)
        )
        other.till_2, other.revoked = (
            TillClient(one.key, shop.app.test_client()) for one in (self.till_2, self.revoked)
        )
        # Whoever they add later gets numbers behind theirs.
        shop._numbers = copy(self.shop._numbers)
        return other

    def token(self, actor: str) -> str | None:
        """A token that actor would present; a new one each time where presenting it may end it."""
        past = clock.now() - timedelta(days=40)
        match actor:
            case "anonymous":
                return None
            case "member_a":
                return member_token(self.a.member_id)
            case "member_b":
                return member_token(self.b.member_id)
            case "expired_member":
                return member_token(self.a.member_id, past)
            case "till_1":
                return self.shop.till.key
            case "till_2":
                return self.till_2.key
            case "revoked_till":
                return self.revoked.key
            case "disabled_staff":
                return self.disabled_token
            case "expired_staff":
                return staff_token(self.admin.id, past)
            case _:
                return staff_token(getattr(self, actor).id)

    def headers(self, actor: str) -> dict[str, str]:
        token = self.token(actor)
        return {} if token is None else {"Authorization": f"Bearer {token}"}


def keys() -> list[setup.ApiKeyView]:
    return setup.list_api_keys(store_ids=None, limit=100, after=None)


def member_token(member_id: int, at: datetime | None = None) -> str:
    with db.transaction() as session:
        return open_session(session, member_id, lifetime_days=30, now=at or clock.now())[0]


def staff_token(staff_id: int, at: datetime | None = None) -> str:
    """As after signing in, without the time that checking a password takes."""
    token, at = new_secret(), at or clock.now()
    with db.transaction() as session:
        session.execute(
            insert(StaffSession).values(
                token_hash=session_hash(token),
                staff_id=staff_id,
                created_at=at,
                last_seen_at=at,
                expires_at=at + timedelta(hours=8),
            )
        )
    return token
