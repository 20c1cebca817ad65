"""Who may do what: every route, tried by everybody. A route that is not in the table fails."""

import itertools
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from app import clock, idempotency
from app.audit import OPERATOR
from app.automations import review as automation_review
from app.campaigns import halt, review
from app.campaigns.begin import begin
from app.checkout.decide import decide
from app.coupons import change_template, grant, grant_listing, grant_run, recall
from app.coupons.face import face_of
from app.coupons.grant_rows import by_number
from app.coupons.template import Draft as Coupon
from app.coupons.terms import Terms
from app.discounts import change as discount_change
from app.discounts import rules as discounts
from app.engagement import change as activities
from app.engagement.definitions import Kind, definition_of
from app.feedback import write as feedback
from app.points.adjust import AdjustmentPolicy
from app.points.change import create
from app.points.rules import Conditions, Multiplier, Rule
from app.points.versions import Draft
from app.policies import standing
from app.segments import save
from app.segments import segment as segments
from app.segments.rule import parse
from app.settlement import close, draft
from app.settlement.statement import Header, listing
from app.staff.roles import Grant
from app.stores import setup
from app.tiers.change_plan import newest
from tests.actors import ACTORS, ENDED, MEMBERS, STAFF, TILLS, Actors
from tests.adjusting import adjusted, member_no
from tests.app.stored_value.offering import offer, ticket
from tests.automations import TELL
from tests.automations import approved as automation_approved
from tests.automations import drafted as automation_drafted
from tests.campaigns import INBOX, drafted
from tests.coupons import give, live_template
from tests.events import booked, event, terms
from tests.queueing import allow, stamp
from tests.quoting import fill
from tests.rewards import exchanged, mugs
from tests.shop import Shop
from tests.surveys import survey

_numbers = itertools.count(1)
AUTOMATION = {"name": "欢迎", "trigger": {"kind": "joined"}, "actions": TELL}
EVERYBODY = {"field": "points", "op": "at_least", "value": 0}


class Scene(Actors):
    """What the requests of the table are about: things of member A and of store 1."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.sale = shop.till.sell(None, 1_000).json["id"]

    def redemption(self) -> str:
        """Of a coupon by itself, in store 1."""
        member, now = self.shop.member(), clock.now()
        gift = {"kind": "gift", "item_zh": "杯", "item_en": "Cup"}
        [coupon] = give(live_template(now, effect=gift, without_sale=True), member.member_id, now)
        body = {"ticket": ticket(self.shop, member), "coupon_id": coupon}
        return str(self.shop.till.post("/coupon-redemptions", body).json["id"])

    def person(self) -> int:
        """A new clerk of store 1."""
        return self.shop.person(f"new-{next(_numbers)}", Grant("clerk", self.shop.store.id)).id

    def key(self) -> str:
        """A new API key of store 1."""
        made = setup.create_api_key(
            store_code="S001", terminal_code="T1", name="spare", actor=OPERATOR, now=clock.now()
        )
        return made.id

    def policy(self) -> dict[str, Any]:
        return {"version": standing(AdjustmentPolicy).version, "value": {}}

    def adjustment(self) -> dict[str, Any]:
        return {
            "member_no": member_no(self.a),
            "points": 5,
            "reason": "goodwill",
            "note": "late delivery",
            "store": "S001",
        }

    def top_up(self) -> dict[str, Any]:
        """By a new member each time: nobody may hold more than the law allows."""
        return {
            "ticket": ticket(self.shop, self.shop.member()),
            "amount_fen": 10_000,
            "method": "cash",
            "receipt_no": unique("T"),
        }

    def topped_up(self) -> str:
        """A top-up in store 1."""
        return str(self.shop.till.post("/topups", self.top_up()).json["id"])

    def wish(self) -> dict[str, Any]:
        return {"item_id": mugs(self.shop).item_id, "store": "S001", "points": 100}

    def exchange(self) -> str:
        """One that waits in store 1, of a new member."""
        phone = self.shop.member()
        fill(phone, points=100)
        return str(exchanged(phone, mugs(self.shop))["id"])

    def event(self) -> dict[str, Any]:
        """A live one in store 1 with a session."""
        made = event(self.shop, terms(points=0))
        return {"event_id": made.event_id, "session_id": made.sessions[0].session_id}

    def event_alone(self) -> dict[str, Any]:
        return {"event_id": self.event()["event_id"]}

    def event_booking(self) -> str:
        """Of a new member in store 1."""
        return str(booked(self.shop.member(), self.event()["session_id"], points=0)["id"])

    def top_up_refund(self) -> dict[str, Any]:
        return {
            "amount_fen": 10_000,
            "refund_no": unique("TR"),
            "reason": "unwanted",
            "staff_no": self.clerk.staff_no,
        }

    def approval(self) -> str:
        """A request that a third person made, one who may ask."""
        person = self.shop.person(f"asks-{next(_numbers)}", Grant("manager", self.shop.store.id))
        asked = adjusted(self.shop, self.a, person.id, 50_000)
        assert asked.approval_id is not None
        return asked.approval_id

    def segment(self, kind: segments.Kind = "rule") -> str:
        """A new one."""
        rule = parse(EVERYBODY) if kind == "rule" else None
        made = save.create(kind=kind, name="全部", rule=rule, actor=OPERATOR, now=clock.now())
        return made.id

    def campaign(self, state: str = "draft") -> str:
        """A new one, of a segment of its own."""
        made, now = drafted(self.segment()), clock.now()
        if state == "draft":
            return made.id
        asks = self.shop.person(f"campaigns-{next(_numbers)}", Grant("marketer", None))
        waiting = review.submit(campaign_id=made.id, version=1, staff_id=asks.id, now=now)
        assert waiting.approval_id is not None
        decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=self.admin.id, now=now)
        if state != "scheduled":
            begin(made.id, now=now)
        if state == "paused":
            halt.pause(campaign_id=made.id, actor=OPERATOR, now=now)
        return made.id

    def campaign_draft(self) -> dict[str, Any]:
        return {
            "name": "周年庆",
            "audience": self.segment(),
            "channel": "inbox",
            "content": {"inbox": INBOX},
        }

    def automation(self, state: str = "draft") -> int:
        """A new one."""
        made, now = automation_drafted("joined", clock.now()), clock.now()
        if state != "draft":
            automation_approved(self.shop, made, now)
        if state == "off":
            automation_review.switch_off(no=made.no, actor=OPERATOR, now=now)
        return made.no

    def rule(self) -> int:
        """A new rule of store 1."""
        stores = Conditions(stores=frozenset({self.shop.store.id}))
        draft = Draft(
            name_zh="加赠", name_en="Extra", definition=Multiplier(factor_bp=20_000, conditions=stores)
        )
        made = create(draft=draft, actor=OPERATOR, now=clock.now())
        assert isinstance(made, Rule)
        return made.rule_no

    def discount(self) -> int:
        """A new rule of discount of store 1."""
        definition = discounts.definition_of(
            {"effect": {"kind": "percent", "percent_bp": 100}, "conditions": {"stores": [self.shop.store.id]}}
        )
        made = discount_change.create(
            draft=discount_change.Draft(name_zh="折扣", name_en="Discount", definition=definition),
            actor=OPERATOR,
            now=clock.now(),
        )
        assert isinstance(made, discounts.DiscountRule)
        return made.rule_no

    def coupon(self, state: str = "draft") -> str:
        """A new template of store 1."""
        what = Coupon(face=face_of(coupon_of_store_1()["face"] | STORE_1), terms=Terms())
        made = change_template.create(draft=what, actor=OPERATOR, now=clock.now())
        change = {"template_id": made.id, "actor": OPERATOR, "now": clock.now()}
        if state != "draft":
            change_template.submit(**change, version=1)
        if state == "stopped":
            change_template.stop(**change, version=2)
        return made.id

    def grant(self) -> dict[str, Any]:
        """A coupon of store 1 for member A."""
        return {"template_id": self.coupon("live"), "members": [member_no(self.a)], "reason": "late delivery"}

    def granted(self) -> str:
        """A grant of that."""
        wish = grant.Wish(
            template_id=self.coupon("live"), rows=by_number([member_no(self.a)]), count=1, reason="gift"
        )
        request = idempotency.Request(scope="scene", key=unique("grant-"), hash=b"")
        made = grant.start(
            wish=wish,
            staff_id=self.admin.id,
            request=request,
            vault=self.shop.parts.phones,
            now=clock.now(),
        )
        grant_run.run(made.grant_id, now=clock.now())
        return made.grant_id

    def recall(self) -> dict[str, Any]:
        """Of what a grant gave."""
        grant_id = self.granted()
        template = grant_listing.show(grant_id=grant_id, store_ids=None, now=clock.now()).template_id
        return {"template_id": template, "source_id": grant_id, "reason": "given by mistake"}

    def recalled(self) -> str:
        request = idempotency.Request(scope="scene", key=unique("recall-"), hash=b"")
        wish = recall.Wish(**self.recall())
        return recall.recall(wish=wish, staff_id=self.admin.id, request=request, now=clock.now()).recall_id

    def activity(self, kind: Kind = "welcome", **what: Any) -> str:
        """A new draft of store 1."""
        terms = (what or {"reward": {"points": 10}}) | {"conditions": {"stores": [self.shop.store.id]}}
        draft = activities.Draft(
            kind=kind,
            name_zh="入会礼",
            name_en="A welcome",
            definition=definition_of(kind, terms),
            starts_at=clock.now(),
            ends_at=None,
            points_most=1_000,
            coupons_most=None,
        )
        return activities.create(draft=draft, actor=OPERATOR, now=clock.now()).id

    def referral(self) -> str:
        return self.activity("referral", inviter={"points": 10}, at_least_fen=1_000)

    def survey(self) -> str:
        """One of store 1 that is on."""
        conditions = {"stores": [self.shop.store.id]}
        return survey(conditions=conditions).id

    def thread(self) -> str:
        """Feedback of member A about store 1."""
        opening = feedback.Opening(category="store", body="排队太久", store="S001")
        request = idempotency.Request(scope="scene", key=unique("feedback-"), hash=b"")
        made = feedback.open_thread(
            member_id=self.a.member_id, opening=opening, request=request, now=clock.now()
        )
        return made.thread_id

    def settlement(self) -> Header | None:
        """The newest statement."""
        return next(iter(listing(drafts=True, limit=1, before=None)), None)

    def settlement_end(self) -> str:
        newest = self.settlement()
        return ((newest.until_date if newest else date(2020, 1, 1)) + timedelta(days=1)).isoformat()

    def no_draft(self) -> dict[str, Any]:
        """Place for a new one."""
        newest = self.settlement()
        if newest is not None and newest.state == "draft":
            draft.discard(
                settlement_no=newest.settlement_no, version=newest.version, actor=OPERATOR, now=clock.now()
            )
        return {"until": self.settlement_end()}

    def drafted(self) -> dict[str, Any]:
        newest = self.settlement()
        if newest is not None and newest.state == "draft":
            return {"settlement_no": newest.settlement_no}
        until = date.fromisoformat(self.settlement_end())
        return {"settlement_no": draft.create(until=until, actor=OPERATOR, now=clock.now()).settlement_no}

    def closed(self) -> dict[str, Any]:
        newest = self.settlement()
        if newest is None or newest.state == "draft":
            self.drafted()
            newest = self.settlement()
            assert newest is not None
            close.close(
                settlement_no=newest.settlement_no,
                version=newest.version,
                staff_id=self.admin.id,
                now=clock.now(),
            )
        return {"settlement_no": newest.settlement_no}

    def settlement_version(self) -> dict[str, Any]:
        newest = self.settlement()
        assert newest is not None
        return {"version": newest.version}

    def store_version(self) -> int:
        [store] = [s for s in setup.list_stores(store_ids=None, limit=9, after=None) if s.code == "S001"]
        return store.version


@dataclass(frozen=True)
class Row:
    """The request, and the status each actor gets; whoever is not named is not known here: 401."""

    expected: dict[str, int]
    body: Callable[[Scene], Any] | None = None
    place: Callable[[Scene], dict[str, Any]] = lambda _: {}
    otherwise: int = 401
    form: bool = False
    query: Callable[[Scene], dict[str, str]] = lambda _: {}


def everybody(status: int, **options: Any) -> Row:
    return Row({}, otherwise=status, **options)


def members(status: int, **options: Any) -> Row:
    return Row(dict.fromkeys(MEMBERS, status), **options)


def tills(first: int, second: int, **options: Any) -> Row:
    return Row(dict(zip(TILLS, (first, second), strict=True)), **options)


def staff(clerk: int, marketer: int, manager: int, admin: int, **options: Any) -> Row:
    return Row(dict(zip(STAFF, (clerk, marketer, manager, admin), strict=True)), **options)


def rule_of_store_1() -> dict[str, Any]:
    return {
        "name_zh": "双倍积分",
        "name_en": "Double points",
        "kind": "multiplier",
        "factor_bp": 10_100,  # many of them together are still within what one may give alone
        "conditions": {"stores": ["S001"]},
    }


JANUARY = {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


def discount_of_store_1() -> dict[str, Any]:
    return {
        "name_zh": "会员折扣",
        "name_en": "Members' discount",
        "effect": {"kind": "percent", "percent_bp": 10},
        "conditions": {"stores": ["S001"]},
    }


#: As the rules have it: the first store of all.
STORE_1 = {"conditions": {"stores": [1]}}


def coupon_of_store_1() -> dict[str, Any]:
    face = {
        "name_zh": "十元券",
        "name_en": "¥10 off",
        "effect": {"kind": "amount", "off_fen": 1_000},
        "validity": {"kind": "days", "days": 30},
        "conditions": {"stores": ["S001"]},
    }
    return {"face": face}


def reward() -> dict[str, Any]:
    return {
        "name_zh": "马克杯",
        "name_en": "Mug",
        "kind": "goods",
        "price": {"points": 100},
        "cost_fen": 90,
        "stock": [{"store": "S001", "stock": 3}],
    }


def event_of_store_1() -> dict[str, Any]:
    return {"store": "S001", "title_zh": "品鉴会", "title_en": "Tasting"}


def event_session() -> dict[str, Any]:
    begins = clock.now() + timedelta(days=2)
    return {
        "version": 3,
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=2)).isoformat(),
        "seats": 3,
    }


def activity_of_store_1() -> dict[str, Any]:
    return {
        "kind": "welcome",
        "name_zh": "入会礼",
        "name_en": "A welcome",
        "gift": {"reward": {"points": 10}},
        "conditions": {"stores": ["S001"]},
        "points_most": 1_000,
    }


def weekend(store: str) -> dict[str, Any]:
    return {"ends_at": "2099-01-01T00:00:00Z", "stores": [store]}


def top_up_offer() -> dict[str, Any]:
    return {"name_zh": "充 500 送 50", "name_en": "Pay 500, get 50", "pay_fen": 50_000, "bonus_fen": 5_000}


def tier_plan() -> dict[str, Any]:
    """The next version, the same again."""
    normal = {"code": "normal", "name_zh": "普通会员", "name_en": "Member", "at_least": 0}
    return {
        "version": newest(now=clock.now()).version,
        "basis": "spend",
        "window": {"kind": "months", "n": 12},
        "tiers": [normal],
    }


def offline_sales() -> dict[str, Any]:
    allow()
    number = next(_numbers)
    item = {"sequence": number, "sold_at": stamp(clock.now()), "receipt_no": f"OFF{number}", "amount_fen": 1}
    return {"items": [item]}


def subscribe_template(**more: Any) -> dict[str, Any]:
    return {
        "name": "活动通知",
        "category": "marketing",
        "fields": [{"key": "thing1", "label": "活动"}],
        **more,
    }


def unique(prefix: str) -> str:
    return f"{prefix}{next(_numbers)}"


def new_person(_: Scene) -> dict[str, Any]:
    return {
        "login": unique("p-"),
        "staff_no": unique("P"),
        "name": "新人",
        "password": "a fine new password",
        "grants": [{"role": "clerk", "store": "S001"}],
    }


TABLE: dict[tuple[str, str], Row] = {
    # open to all, and why stands at the blueprint
    ("GET", "/healthz"): everybody(200),
    ("GET", "/readyz"): everybody(200),
    ("GET", "/docs"): everybody(200),
    ("GET", "/docs/errors"): everybody(200),
    ("GET", "/openapi.json"): everybody(200),
    ("GET", "/api/v1/pictures/<string:picture_id>"): everybody(404, place=lambda _: {"picture_id": "0" * 32}),
    ("GET", "/docs/assets/<name>"): everybody(200, place=lambda _: {"name": "docs.js"}),
    ("GET", "/api/v1/config"): everybody(200),
    ("POST", "/api/v1/login"): everybody(
        422, body=lambda _: {"provider": "nobody", "code": "nothing"}
    ),  # provider_unknown
    ("POST", "/office/v1/login"): everybody(
        401, body=lambda _: {"login": unique("who-"), "password": "wrong password"}
    ),
    # no push is set up here, so there is no such place, for anybody
    ("GET", "/callbacks/wechat"): everybody(404),
    ("POST", "/callbacks/wechat"): everybody(404),
    ("GET", "/callbacks/wechat-official"): everybody(404),
    ("POST", "/callbacks/wechat-official"): everybody(404),
    ("POST", "/callbacks/wechat-pay"): everybody(404),
    ("POST", "/callbacks/sms/<token>"): everybody(404, place=lambda _: {"token": "x" * 24}),
    # signed links, and this is none
    ("GET", "/unsubscribe/<token>"): everybody(404, place=lambda _: {"token": "x" * 24}),
    ("POST", "/unsubscribe/<token>"): everybody(404, place=lambda _: {"token": "x" * 24}),
    # its own token only
    ("GET", "/metrics"): everybody(401),
    # members
    ("GET", "/api/v1/me"): members(200),
    ("POST", "/api/v1/me"): members(200, body=lambda _: {"name": "陈"}),
    ("GET", "/api/v1/me/message-preferences"): members(200),
    ("PUT", "/api/v1/me/message-preferences"): members(
        200,
        body=lambda _: {
            "marketing": True,
            "channels": dict.fromkeys(("wechat_subscribe", "official_account", "sms", "email"), True),
        },
    ),
    ("GET", "/api/v1/me/subscriptions/ask"): members(200),
    ("POST", "/api/v1/me/subscriptions"): members(
        200, body=lambda _: {"results": [{"template_id": "t", "outcome": "reject"}]}
    ),
    ("PATCH", "/api/v1/me"): members(200, body=lambda _: {"name": "陈"}),
    ("POST", "/api/v1/me/phone"): members(503, body=lambda _: {"code": "x"}),  # phone_not_offered
    ("GET", "/api/v1/me/email"): members(404),
    ("POST", "/api/v1/me/email"): members(
        503, body=lambda _: {"email": "a@example.com"}
    ),  # email_not_offered
    ("POST", "/api/v1/me/email/confirm"): members(404, body=lambda _: {"code": "123456"}),
    ("DELETE", "/api/v1/me/email"): members(204),
    ("POST", "/api/v1/me/consent"): members(204, body=lambda _: {"policy_version": "2026-01"}),
    ("POST", "/api/v1/me/code"): members(200),
    ("POST", "/api/v1/me/code/pack"): members(200, body=lambda _: {"count": 1}),
    ("GET", "/api/v1/me/code/image"): members(200),
    ("GET", "/api/v1/me/points"): members(200),
    ("GET", "/api/v1/me/points/entries"): members(200),
    ("GET", "/api/v1/me/balance"): members(200),
    ("GET", "/api/v1/me/balance/entries"): members(200),
    ("GET", "/api/v1/me/topups/offers"): members(200),
    ("GET", "/api/v1/me/confirmations"): members(200),
    ("GET", "/api/v1/me/confirmations/<string:quote_id>"): members(
        404, place=lambda _: {"quote_id": "0" * 26}
    ),
    ("POST", "/api/v1/me/confirmations/<string:quote_id>"): members(
        404, place=lambda _: {"quote_id": "0" * 26}, body=lambda _: {"agree": True}
    ),
    ("POST", "/api/v1/me/topups"): members(503, body=lambda _: {"amount_fen": 10_000}),  # not set up here
    ("GET", "/api/v1/me/topups/<string:top_up_id>"): members(404, place=lambda _: {"top_up_id": "t"}),
    ("POST", "/api/v1/me/topups/<string:top_up_id>/close"): members(503, place=lambda _: {"top_up_id": "t"}),
    ("GET", "/api/v1/me/sales"): members(200),
    ("GET", "/api/v1/me/tier"): members(200),
    ("GET", "/api/v1/me/recommendations"): members(200),
    ("GET", "/api/v1/me/messages"): members(200),
    ("POST", "/api/v1/me/messages/<string:message_id>/read"): members(
        404, place=lambda _: {"message_id": "01J00000000000000000000000"}
    ),
    ("POST", "/api/v1/me/campaigns/<string:campaign_id>/opened"): members(
        404, place=lambda s: {"campaign_id": s.campaign("running")}
    ),
    ("POST", "/api/v1/me/automations/<int:automation_no>/opened"): members(
        404, place=lambda _: {"automation_no": 1}
    ),
    ("GET", "/api/v1/rewards"): members(200),
    ("GET", "/api/v1/rewards/bands"): members(200),
    ("GET", "/api/v1/rewards/<string:item_id>"): members(404, place=lambda _: {"item_id": "none"}),
    # a member of no points
    ("POST", "/api/v1/reward-orders"): members(409, body=lambda s: s.wish()),
    ("GET", "/api/v1/reward-orders"): members(200),
    ("GET", "/api/v1/reward-orders/<string:order_id>"): members(404, place=lambda _: {"order_id": "none"}),
    ("POST", "/api/v1/reward-orders/<string:order_id>/cancel"): members(
        404, place=lambda _: {"order_id": "none"}
    ),
    ("POST", "/api/v1/reward-orders/<string:order_id>/payment"): members(
        503, place=lambda _: {"order_id": "none"}
    ),
    ("GET", "/api/v1/events"): members(200),
    ("GET", "/api/v1/events/<string:event_id>"): members(404, place=lambda _: {"event_id": "none"}),
    ("POST", "/api/v1/events/sessions/<string:session_id>/bookings"): members(
        201, place=lambda s: {"session_id": s.event()["session_id"]}, body=lambda _: {}
    ),
    ("GET", "/api/v1/bookings"): members(200),
    ("GET", "/api/v1/bookings/<string:booking_id>"): members(404, place=lambda _: {"booking_id": "none"}),
    ("POST", "/api/v1/bookings/<string:booking_id>/cancel"): members(
        404, place=lambda s: {"booking_id": s.event_booking()}
    ),
    ("POST", "/api/v1/bookings/<string:booking_id>/feedback"): members(
        404, place=lambda s: {"booking_id": s.event_booking()}, body=lambda _: {"stars": 5}
    ),
    ("GET", "/api/v1/check-ins"): members(404),  # there is none
    ("POST", "/api/v1/check-ins"): members(404, body=lambda _: {"activity_id": "0" * 26}),
    ("POST", "/api/v1/check-ins/make-up"): members(
        404, body=lambda _: {"activity_id": "0" * 26, "day": "2026-01-01"}
    ),
    ("GET", "/api/v1/me/invite"): members(404),  # no referral is on
    ("GET", "/api/v1/me/invite/picture"): members(503),  # not set up here
    ("GET", "/api/v1/me/invite/friends"): members(200),
    ("GET", "/api/v1/surveys"): members(200),
    ("GET", "/api/v1/surveys/<string:survey_id>"): members(404, place=lambda _: {"survey_id": "0" * 26}),
    ("POST", "/api/v1/surveys/<string:survey_id>/answer"): members(
        404, place=lambda _: {"survey_id": "0" * 26}, body=lambda _: {"form_no": 1, "answers": []}
    ),
    ("GET", "/api/v1/stores"): members(200),
    ("GET", "/api/v1/feedback"): members(200),
    ("POST", "/api/v1/feedback"): members(201, body=lambda _: {"category": "app", "body": "很好"}),
    ("GET", "/api/v1/feedback/<string:thread_id>"): members(404, place=lambda _: {"thread_id": "0" * 26}),
    ("GET", "/api/v1/feedback/<string:thread_id>/messages"): members(
        404, place=lambda _: {"thread_id": "0" * 26}
    ),
    ("POST", "/api/v1/feedback/<string:thread_id>/messages"): members(
        404, place=lambda _: {"thread_id": "0" * 26}, body=lambda _: {"body": "很好"}
    ),
    ("POST", "/api/v1/feedback/<string:thread_id>/read"): members(
        404, place=lambda _: {"thread_id": "0" * 26}
    ),
    ("GET", "/api/v1/lotteries"): members(200),
    ("GET", "/api/v1/lotteries/<string:lottery_id>"): members(404, place=lambda _: {"lottery_id": "0" * 26}),
    ("GET", "/api/v1/lotteries/<string:lottery_id>/draws"): members(
        200, place=lambda _: {"lottery_id": "0" * 26}
    ),
    ("POST", "/api/v1/lotteries/<string:lottery_id>/draws"): members(
        404, place=lambda _: {"lottery_id": "0" * 26}, body=lambda _: {"payment": "chance"}
    ),
    ("GET", "/api/v1/lotteries/<string:lottery_id>/rounds"): members(
        200, place=lambda _: {"lottery_id": "0" * 26}
    ),
    ("GET", "/api/v1/lottery-rounds/<string:round_id>"): members(404, place=lambda _: {"round_id": "0" * 26}),
    ("GET", "/api/v1/lottery-rounds/<string:round_id>/draws"): members(
        200, place=lambda _: {"round_id": "0" * 26}
    ),
    ("GET", "/api/v1/coupons"): members(200),
    ("POST", "/api/v1/coupons"): members(404, body=lambda _: {"template_id": "0" * 26}),
    ("GET", "/api/v1/coupons/<string:coupon_id>"): members(404, place=lambda _: {"coupon_id": "0" * 26}),
    ("GET", "/api/v1/coupons/<string:coupon_id>/events"): members(
        200, place=lambda _: {"coupon_id": "0" * 26}
    ),
    ("POST", "/api/v1/coupons/<string:coupon_id>/code"): members(
        404, place=lambda _: {"coupon_id": "0" * 26}
    ),
    ("POST", "/api/v1/coupons/<string:coupon_id>/offer"): members(
        404, place=lambda _: {"coupon_id": "0" * 26}
    ),
    ("DELETE", "/api/v1/coupons/<string:coupon_id>/offer"): members(
        404, place=lambda _: {"coupon_id": "0" * 26}
    ),
    ("POST", "/api/v1/coupon-offers/take"): members(410, body=lambda _: {"secret": "s" * 43}),
    ("GET", "/api/v1/coupon-centre"): members(200),
    ("POST", "/api/v1/logout"): members(204),
    ("DELETE", "/api/v1/me/consent"): members(204),
    # tills: one does not see the other store's sale
    ("POST", "/pos/v1/scans"): tills(422, 422, body=lambda _: {"code": "1"}),
    ("POST", "/pos/v1/scans/by-phone"): tills(
        403, 403, body=lambda _: {"phone": "13800138000", "staff_no": "nobody"}
    ),
    ("POST", "/pos/v1/quotes"): tills(
        201,
        201,
        body=lambda _: {"lines": [{"sku": "A", "name": "A", "quantity": 1, "unit_price_fen": 100}]},
    ),
    ("GET", "/pos/v1/quotes/<string:quote_id>"): tills(404, 404, place=lambda _: {"quote_id": "0" * 26}),
    ("GET", "/pos/v1/coupons"): tills(422, 422),
    ("POST", "/pos/v1/coupon-redemptions"): tills(
        404, 404, body=lambda _: {"ticket": "none", "coupon_id": "0" * 26}
    ),
    ("GET", "/pos/v1/coupon-redemptions/<string:redemption_id>"): tills(
        200, 404, place=lambda s: {"redemption_id": s.redemption()}
    ),
    ("POST", "/pos/v1/coupon-redemptions/<string:redemption_id>/undo"): tills(
        403, 403, place=lambda _: {"redemption_id": "0" * 26}, body=lambda _: {"staff_no": "nobody"}
    ),
    ("POST", "/pos/v1/sales"): tills(
        201, 201, body=lambda _: {"receipt_no": uuid.uuid4().hex, "amount_fen": 100}
    ),
    ("GET", "/pos/v1/sales"): tills(422, 422),
    ("POST", "/pos/v1/sales/<string:sale_id>/member"): tills(
        403,
        403,
        place=lambda s: {"sale_id": s.sale},
        body=lambda _: {"ticket": "none", "staff_no": "nobody"},
    ),
    ("GET", "/pos/v1/sales/<string:sale_id>"): tills(200, 404, place=lambda s: {"sale_id": s.sale}),
    ("POST", "/pos/v1/sales/<string:sale_id>/refunds"): tills(
        403,
        403,
        place=lambda s: {"sale_id": s.sale},
        body=lambda _: {"refund_no": "R-1", "reason": "returned", "staff_no": "nobody"},
    ),
    ("POST", "/pos/v1/offline-sales"): tills(200, 200, body=lambda _: offline_sales()),
    ("POST", "/pos/v1/shifts"): tills(403, 403, body=lambda _: {"opening_fen": 0, "staff_no": "nobody"}),
    ("GET", "/pos/v1/shifts/current"): tills(404, 404),  # none is open
    ("POST", "/pos/v1/shifts/<string:shift_id>/close"): tills(
        403,
        403,
        place=lambda _: {"shift_id": "none"},
        body=lambda _: {"counted_fen": 0, "staff_no": "nobody"},
    ),
    ("GET", "/pos/v1/totals"): tills(200, 200),
    ("GET", "/pos/v1/topups/offers"): tills(200, 200),
    # a ticket of till 1 is nothing at till 2
    ("POST", "/pos/v1/topups"): tills(201, 404, body=lambda s: s.top_up()),
    ("GET", "/pos/v1/topups/<string:top_up_id>/refund"): tills(
        200, 404, place=lambda s: {"top_up_id": s.topped_up()}
    ),
    # named is a clerk of store 1
    ("POST", "/pos/v1/topups/<string:top_up_id>/refunds"): tills(
        201, 403, place=lambda s: {"top_up_id": s.topped_up()}, body=lambda s: s.top_up_refund()
    ),
    ("GET", "/pos/v1/coupon-templates"): tills(422, 422),
    ("POST", "/pos/v1/coupon-grants"): tills(
        403, 403, body=lambda _: {"ticket": "none", "template_id": "none", "staff_no": "nobody"}
    ),
    ("GET", "/pos/v1/reward-orders"): tills(422, 422),
    ("POST", "/pos/v1/reward-hand-overs"): tills(
        403, 403, body=lambda _: {"ticket": "none", "order_id": "none", "staff_no": "nobody"}
    ),
    ("GET", "/pos/v1/bookings"): tills(422, 422),
    ("POST", "/pos/v1/bookings/<string:booking_id>/check-in"): tills(
        403,
        403,
        place=lambda _: {"booking_id": "none"},
        body=lambda _: {"ticket": "none", "staff_no": "nobody"},
    ),
    # the back office
    ("GET", "/office/v1/me"): staff(200, 200, 200, 200),
    ("POST", "/office/v1/me/password"): staff(
        422, 422, 422, 422, body=lambda _: {"current": "wrong password", "new": "a fine new password"}
    ),
    ("POST", "/office/v1/me/pin"): staff(
        422, 422, 422, 422, body=lambda _: {"password": "wrong password", "pin": "271828"}
    ),
    ("POST", "/office/v1/logout"): staff(204, 204, 204, 204),
    ("GET", "/office/v1/stores"): staff(200, 200, 200, 200),
    ("GET", "/office/v1/staff"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/staff"): staff(403, 403, 201, 201, body=new_person),
    ("PATCH", "/office/v1/staff/<int:staff_id>"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {"version": 1, "name": "新名"},
        place=lambda s: {"staff_id": s.person()},
    ),
    ("POST", "/office/v1/staff/<int:staff_id>/password-reset"): staff(
        403, 403, 200, 200, place=lambda s: {"staff_id": s.person()}
    ),
    ("GET", "/office/v1/staff/<int:staff_id>/memberships"): staff(
        403, 403, 200, 200, place=lambda s: {"staff_id": s.person()}
    ),
    ("PUT", "/office/v1/staff/<int:staff_id>/memberships/<string:member_no>"): staff(
        403, 403, 204, 204, place=lambda s: {"staff_id": s.person(), "member_no": member_no(s.shop.member())}
    ),
    ("DELETE", "/office/v1/staff/<int:staff_id>/memberships/<string:member_no>"): staff(
        403, 403, 404, 404, place=lambda s: {"staff_id": s.person(), "member_no": "M1"}
    ),
    ("POST", "/office/v1/staff/<int:staff_id>/pin-reset"): staff(
        403, 403, 204, 204, place=lambda s: {"staff_id": s.person()}
    ),
    ("POST", "/office/v1/stores"): staff(
        403,
        403,
        403,
        201,
        body=lambda _: {"code": unique("N-"), "name": "新店", "time_zone": "Asia/Shanghai"},
    ),
    ("PATCH", "/office/v1/stores/<string:code>"): staff(
        403,
        403,
        403,
        200,
        body=lambda s: {"version": s.store_version(), "name": "一店"},
        place=lambda _: {"code": "S001"},
    ),
    ("POST", "/office/v1/stores/<string:store_code>/terminals"): staff(
        403,
        403,
        403,
        201,
        body=lambda _: {"code": unique("T-"), "name": "收银"},
        place=lambda _: {"store_code": "S001"},
    ),
    ("GET", "/office/v1/shifts"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/audit-entries"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/api-keys"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/api-keys"): staff(
        403, 403, 201, 201, body=lambda _: {"store": "S001", "terminal": "T1", "name": "spare"}
    ),
    ("DELETE", "/office/v1/api-keys/<string:key_id>"): staff(
        403, 403, 204, 204, place=lambda s: {"key_id": s.key()}
    ),
    ("GET", "/office/v1/coupon-templates"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/coupon-templates"): staff(403, 201, 201, 201, body=lambda _: coupon_of_store_1()),
    ("GET", "/office/v1/coupon-templates/<string:template_id>"): staff(
        403, 200, 200, 200, place=lambda s: {"template_id": s.coupon()}
    ),
    ("GET", "/office/v1/coupon-templates/<string:template_id>/coupons"): staff(
        422, 422, 422, 422, place=lambda s: {"template_id": s.coupon()}
    ),  # of whom it is to tell, the query says
    ("GET", "/office/v1/coupon-templates/<string:template_id>/picture"): staff(
        403, 409, 409, 409, place=lambda s: {"template_id": s.coupon()}
    ),  # it has no link
    ("PUT", "/office/v1/coupon-templates/<string:template_id>"): staff(
        403,
        200,
        200,
        200,
        place=lambda s: {"template_id": s.coupon()},
        body=lambda _: {**coupon_of_store_1(), "version": 1},
    ),
    ("POST", "/office/v1/coupon-templates/<string:template_id>/submit"): staff(
        403, 202, 202, 202, place=lambda s: {"template_id": s.coupon()}, body=lambda _: {"version": 1}
    ),
    ("POST", "/office/v1/coupon-templates/<string:template_id>/stop"): staff(
        403, 200, 200, 200, place=lambda s: {"template_id": s.coupon("live")}, body=lambda _: {"version": 2}
    ),
    ("POST", "/office/v1/coupon-templates/<string:template_id>/resume"): staff(
        403,
        200,
        200,
        200,
        place=lambda s: {"template_id": s.coupon("stopped")},
        body=lambda _: {"version": 3},
    ),
    ("POST", "/office/v1/coupon-grants"): staff(403, 201, 201, 201, body=lambda s: s.grant()),
    **{
        ("GET", f"/office/v1/coupon-grants/<string:grant_id>{what}"): staff(
            403, 200, 200, 200, place=lambda s: {"grant_id": s.granted()}
        )
        for what in ("", "/members")
    },
    ("POST", "/office/v1/coupon-recalls"): staff(403, 201, 201, 201, body=lambda s: s.recall()),
    ("GET", "/office/v1/coupon-recalls/<string:recall_id>"): staff(
        403, 200, 200, 200, place=lambda s: {"recall_id": s.recalled()}
    ),
    ("GET", "/office/v1/discount-rules"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/discount-rules"): staff(403, 403, 201, 201, body=lambda _: discount_of_store_1()),
    ("GET", "/office/v1/discount-rules/<int:rule_no>/versions"): staff(
        403, 403, 200, 200, place=lambda s: {"rule_no": s.discount()}
    ),
    ("PUT", "/office/v1/discount-rules/<int:rule_no>"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {**discount_of_store_1(), "version": 1},
        place=lambda s: {"rule_no": s.discount()},
    ),
    ("POST", "/office/v1/discount-rules/<int:rule_no>/end"): staff(
        403, 403, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"rule_no": s.discount()}
    ),
    ("GET", "/office/v1/activities"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/activities"): staff(403, 201, 201, 201, body=lambda _: activity_of_store_1()),
    ("GET", "/office/v1/activity-templates"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/activity-templates/<string:code>"): staff(
        403, 201, 201, 201, body=lambda _: weekend("S001"), place=lambda _: {"code": "double_points_weekend"}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.activity()}
    ),
    ("PUT", "/office/v1/activities/<string:activity_id>"): staff(
        403,
        200,
        200,
        200,
        body=lambda _: {**activity_of_store_1(), "version": 1},
        place=lambda s: {"activity_id": s.activity()},
    ),
    ("POST", "/office/v1/activities/<string:activity_id>/publish"): staff(
        403, 200, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"activity_id": s.activity()}
    ),
    ("POST", "/office/v1/activities/<string:activity_id>/stop"): staff(
        403, 200, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"activity_id": s.activity()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/report"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.activity()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/referrals"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.referral()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/referrals/leaders"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.referral()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/referrals/figures"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.referral()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/rounds"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.activity()}
    ),
    # it is no lottery
    ("POST", "/office/v1/activities/<string:activity_id>/rounds"): staff(
        403,
        404,
        404,
        404,
        body=lambda _: {"starts_at": "2036-01-01T00:00:00Z", "ends_at": "2036-01-02T00:00:00Z"},
        place=lambda s: {"activity_id": s.activity()},
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/survey-results"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.survey()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/survey-results.csv"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.survey()}
    ),
    ("GET", "/office/v1/activities/<string:activity_id>/survey-texts/<int:question_no>"): staff(
        403, 200, 200, 200, place=lambda s: {"activity_id": s.survey(), "question_no": 4}
    ),
    ("GET", "/office/v1/products"): staff(403, 200, 200, 200),
    ("GET", "/office/v1/products/<path:sku>/bought-with"): staff(
        403, 404, 404, 404, place=lambda _: {"sku": "QH001"}
    ),
    ("GET", "/office/v1/segment-fields"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/segments/previews"): staff(403, 403, 403, 200, body=lambda _: {"rule": EVERYBODY}),
    ("GET", "/office/v1/segments"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/segments"): staff(
        403, 403, 403, 201, body=lambda _: {"kind": "rule", "name": "全部", "rule": EVERYBODY}
    ),
    **{
        ("GET", f"/office/v1/segments/<string:segment_id>{what}"): staff(
            403, 200, 200, 200, place=lambda s: {"segment_id": s.segment()}
        )
        for what in ("", "/versions", "/snapshots")
    },
    ("PUT", "/office/v1/segments/<string:segment_id>"): staff(
        403,
        403,
        403,
        200,
        body=lambda _: {"name": "全部", "rule": EVERYBODY, "version": 1},
        place=lambda s: {"segment_id": s.segment()},
    ),
    **{
        ("POST", f"/office/v1/segments/<string:segment_id>/{what}"): staff(
            403, 403, 403, status, body=lambda _: {"version": 1}, place=lambda s: {"segment_id": s.segment()}
        )
        for what, status in (("archive", 200), ("snapshots", 201))
    },
    ("GET", "/office/v1/segments/<string:segment_id>/members"): staff(
        403, 403, 403, 200, place=lambda s: {"segment_id": s.segment("list")}
    ),
    **{
        ("POST", f"/office/v1/segments/<string:segment_id>/members{what}"): staff(
            403,
            403,
            403,
            200,
            body=lambda s: {"members": [member_no(s.a)]},
            place=lambda s: {"segment_id": s.segment("list")},
        )
        for what in ("", "/remove")
    },
    ("GET", "/office/v1/member-tags"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/marketing-choices"): staff(
        200, 403, 200, 200, body=lambda s: {"member_no": member_no(s.a), "scopes": ["sms"]}
    ),
    **{
        ("POST", f"/office/v1/member-tags{what}"): staff(
            403, 403, 403, 200, body=lambda s: {"tag": "茶", "members": [member_no(s.a)]}
        )
        for what in ("", "/remove")
    },
    ("GET", "/office/v1/campaigns"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/campaigns"): staff(403, 403, 403, 201, body=lambda s: s.campaign_draft()),
    **{
        ("GET", f"/office/v1/campaigns/<string:campaign_id>{what}"): staff(
            403, status, status, 200, place=lambda s: {"campaign_id": s.campaign()}
        )
        for what, status in (("", 200), ("/report", 200), ("/forecast", 403))
    },
    ("PUT", "/office/v1/campaigns/<string:campaign_id>"): staff(
        403,
        403,
        403,
        200,
        body=lambda s: {**s.campaign_draft(), "version": 1},
        place=lambda s: {"campaign_id": s.campaign()},
    ),
    ("POST", "/office/v1/campaigns/<string:campaign_id>/duplicate"): staff(
        403, 403, 403, 201, body=lambda _: {"name": "再来"}, place=lambda s: {"campaign_id": s.campaign()}
    ),
    ("POST", "/office/v1/campaigns/<string:campaign_id>/submit"): staff(
        403, 403, 403, 200, body=lambda _: {"version": 1}, place=lambda s: {"campaign_id": s.campaign()}
    ),
    ("POST", "/office/v1/campaigns/<string:campaign_id>/discard"): staff(
        403, 403, 403, 200, body=lambda _: {"version": 1}, place=lambda s: {"campaign_id": s.campaign()}
    ),
    ("POST", "/office/v1/campaigns/<string:campaign_id>/take-back"): staff(
        403,
        403,
        403,
        200,
        body=lambda _: {"version": 1},
        place=lambda s: {"campaign_id": s.campaign("scheduled")},
    ),
    ("POST", "/office/v1/campaigns/<string:campaign_id>/test"): staff(
        403,
        403,
        403,
        200,
        body=lambda s: {"members": [member_no(s.a)]},
        place=lambda s: {"campaign_id": s.campaign()},
    ),
    **{
        ("POST", f"/office/v1/campaigns/<string:campaign_id>/{what}"): staff(
            403,
            403,
            403,
            200,
            place=lambda s, state=state: {"campaign_id": s.campaign(state)},
        )
        for what, state in (("pause", "running"), ("resume", "paused"), ("stop", "running"))
    },
    ("GET", "/office/v1/automations"): staff(403, 200, 200, 200),
    ("GET", "/office/v1/automations/templates"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/automations"): staff(403, 403, 403, 201, body=lambda _: AUTOMATION),
    **{
        ("GET", f"/office/v1/automations/<int:automation_no>{what}"): staff(
            403, status, status, 200, place=lambda s: {"automation_no": s.automation()}
        )
        for what, status in (("", 200), ("/report", 200), ("/dry-run", 403))
    },
    ("PUT", "/office/v1/automations/<int:automation_no>"): staff(
        403,
        403,
        403,
        200,
        body=lambda _: {**AUTOMATION, "version": 1},
        place=lambda s: {"automation_no": s.automation()},
    ),
    ("POST", "/office/v1/automations/<int:automation_no>/submit"): staff(
        403, 403, 403, 200, body=lambda _: {"version": 1}, place=lambda s: {"automation_no": s.automation()}
    ),
    **{
        ("POST", f"/office/v1/automations/<int:automation_no>/{what}"): staff(
            403,
            403,
            403,
            200,
            place=lambda s, state=state: {"automation_no": s.automation(state)},
        )
        for what, state in (("on", "off"), ("off", "on"), ("archive", "draft"))
    },
    ("GET", "/office/v1/feedback"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/feedback/report"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/feedback/<string:thread_id>"): staff(
        403, 403, 200, 200, place=lambda s: {"thread_id": s.thread()}
    ),
    ("GET", "/office/v1/feedback/<string:thread_id>/messages"): staff(
        403, 403, 200, 200, place=lambda s: {"thread_id": s.thread()}
    ),
    ("POST", "/office/v1/feedback/<string:thread_id>/answer"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {"version": 1, "body": "谢谢"},
        place=lambda s: {"thread_id": s.thread()},
    ),
    ("POST", "/office/v1/feedback/<string:thread_id>/close"): staff(
        403, 403, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"thread_id": s.thread()}
    ),
    ("POST", "/office/v1/feedback/<string:thread_id>/reopen"): staff(
        403, 403, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"thread_id": s.thread()}
    ),
    ("GET", "/office/v1/earn-rules"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/earn-rules"): staff(403, 403, 201, 201, body=lambda _: rule_of_store_1()),
    ("GET", "/office/v1/earn-rules/<int:rule_no>/versions"): staff(
        403, 403, 200, 200, place=lambda s: {"rule_no": s.rule()}
    ),
    ("PUT", "/office/v1/earn-rules/<int:rule_no>"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {**rule_of_store_1(), "version": 1},
        place=lambda s: {"rule_no": s.rule()},
    ),
    ("POST", "/office/v1/earn-rules/<int:rule_no>/end"): staff(
        403, 403, 200, 200, body=lambda _: {"version": 1}, place=lambda s: {"rule_no": s.rule()}
    ),
    ("POST", "/office/v1/earn-rules/simulate"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {
            "rule": rule_of_store_1(),
            "from": "2026-01-01T00:00:00Z",
            "until": "2026-02-01T00:00:00Z",
        },
    ),
    ("POST", "/office/v1/discount-rules/simulate"): staff(
        403,
        403,
        200,
        200,
        body=lambda _: {"rule": discount_of_store_1(), **JANUARY},
    ),
    ("POST", "/office/v1/top-up-offers/simulate"): staff(
        403, 403, 403, 200, body=lambda _: {"offer": top_up_offer(), **JANUARY}
    ),
    ("GET", "/office/v1/tiers"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/tiers/versions"): staff(403, 403, 200, 200),
    ("PUT", "/office/v1/tiers"): staff(403, 403, 403, 200, body=lambda _: tier_plan()),
    ("GET", "/office/v1/members/<string:member_no>/tier-changes"): staff(
        403, 403, 200, 200, place=lambda s: {"member_no": member_no(s.a)}
    ),
    ("GET", "/office/v1/members/<string:member_no>/topups"): staff(
        200, 403, 200, 200, place=lambda s: {"member_no": member_no(s.a)}
    ),
    # WeChat Pay is not set up here, so there is none to be refunded
    ("GET", "/office/v1/topups/<string:top_up_id>/refund"): staff(
        403, 403, 403, 404, place=lambda _: {"top_up_id": "t"}
    ),
    ("POST", "/office/v1/topups/<string:top_up_id>/refunds"): staff(
        403,
        403,
        403,
        503,
        place=lambda _: {"top_up_id": "t"},
        body=lambda _: {"amount_fen": 1_000, "reason": "other"},
    ),
    ("GET", "/office/v1/subscribe-templates"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/subscribe-templates"): staff(
        403, 403, 403, 201, body=lambda _: subscribe_template(template_id=unique("t"))
    ),
    ("PUT", "/office/v1/subscribe-templates/<int:template_no>"): staff(
        403,
        403,
        403,
        404,
        body=lambda _: subscribe_template(version=1),
        place=lambda _: {"template_no": 999},
    ),
    ("GET", "/office/v1/top-up-offers"): staff(403, 403, 403, 200),
    ("POST", "/office/v1/top-up-offers"): staff(403, 403, 403, 201, body=lambda _: top_up_offer()),
    ("PUT", "/office/v1/top-up-offers/<int:offer_no>"): staff(
        403,
        403,
        403,
        200,
        body=lambda _: {**top_up_offer(), "version": 1},
        place=lambda _: {"offer_no": offer().offer_no},
    ),
    ("POST", "/office/v1/top-up-offers/<int:offer_no>/end"): staff(
        403, 403, 403, 200, body=lambda _: {"version": 1}, place=lambda _: {"offer_no": offer().offer_no}
    ),
    # what is sent is no picture
    ("POST", "/office/v1/pictures"): staff(403, 422, 422, 422, body=lambda _: {}),
    ("DELETE", "/office/v1/pictures/<string:picture_id>"): staff(
        403, 403, 403, 404, place=lambda _: {"picture_id": "0" * 32}
    ),
    ("GET", "/office/v1/reward-items"): staff(403, 403, 403, 200),
    ("POST", "/office/v1/reward-items"): staff(403, 403, 403, 201, body=lambda _: reward()),
    ("PUT", "/office/v1/reward-items/<string:item_id>"): staff(
        403,
        403,
        403,
        200,
        body=lambda _: {**reward(), "version": 1},
        place=lambda s: {"item_id": mugs(s.shop).item_id},
    ),
    **{
        ("POST", f"/office/v1/reward-items/<string:item_id>/{what}"): staff(
            403,
            403,
            403,
            200,
            body=lambda _: {"version": 1},
            place=lambda s: {"item_id": mugs(s.shop).item_id},
        )
        for what in ("stop", "resume")
    },
    ("GET", "/office/v1/reward-orders"): staff(200, 200, 200, 200),
    ("POST", "/office/v1/reward-orders/<string:order_id>/cancel"): staff(
        200, 403, 200, 200, place=lambda s: {"order_id": s.exchange()}, body=lambda _: {"note": "damaged"}
    ),
    ("GET", "/office/v1/events"): staff(403, 200, 200, 200),
    ("POST", "/office/v1/events"): staff(403, 201, 201, 201, body=lambda _: event_of_store_1()),
    **{
        ("GET", f"/office/v1/events/<string:event_id>{what}"): staff(
            403, 200, 200, 200, place=lambda s: s.event_alone()
        )
        for what in ("", "/report", "/feedback")
    },
    ("PUT", "/office/v1/events/<string:event_id>"): staff(
        403,
        200,
        200,
        200,
        place=lambda s: s.event_alone(),
        body=lambda _: {**event_of_store_1(), "version": 3},
    ),
    **{
        ("POST", f"/office/v1/events/<string:event_id>/{what}"): staff(
            403, 200, 200, 200, place=lambda s: s.event_alone(), body=lambda _, body=body: body
        )
        for what, body in {
            "publish": {"version": 3},
            "close": {"version": 3},
            "cancel": {"version": 3, "note": "flood"},
        }.items()
    },
    ("POST", "/office/v1/events/<string:event_id>/sessions"): staff(
        403, 201, 201, 201, place=lambda s: s.event_alone(), body=lambda _: event_session()
    ),
    ("PUT", "/office/v1/events/<string:event_id>/sessions/<string:session_id>"): staff(
        403, 200, 200, 200, place=lambda s: s.event(), body=lambda _: event_session()
    ),
    ("POST", "/office/v1/events/<string:event_id>/sessions/<string:session_id>/cancel"): staff(
        403, 200, 200, 200, place=lambda s: s.event(), body=lambda _: {"version": 3, "note": "flood"}
    ),
    ("GET", "/office/v1/event-bookings"): staff(
        200, 200, 200, 200, query=lambda s: {"session_id": s.event()["session_id"]}
    ),
    ("POST", "/office/v1/event-bookings/<string:booking_id>/cancel"): staff(
        200, 403, 200, 200, place=lambda s: {"booking_id": s.event_booking()}, body=lambda _: {"note": "ill"}
    ),
    ("GET", "/office/v1/policies"): staff(403, 200, 200, 200),
    ("PUT", "/office/v1/policies/<string:name>"): staff(
        403, 403, 403, 200, place=lambda _: {"name": "points_adjustment"}, body=lambda s: s.policy()
    ),
    ("GET", "/office/v1/offline-uploads"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/points-adjustments"): staff(403, 403, 201, 201, body=lambda s: s.adjustment()),
    ("GET", "/office/v1/approvals"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/me/approvals"): staff(200, 200, 200, 200),
    ("POST", "/office/v1/approvals/<string:approval_id>/decision"): staff(
        403, 403, 204, 204, place=lambda s: {"approval_id": s.approval()}, body=lambda _: {"agree": True}
    ),
    # for one's own requests alone
    ("POST", "/office/v1/approvals/<string:approval_id>/vouch"): staff(
        404, 404, 404, 404, place=lambda s: {"approval_id": s.approval()}
    ),
    ("GET", "/office/v1/coupon-costs"): staff(403, 403, 200, 200),
    ("GET", "/office/v1/settlements"): staff(403, 403, 200, 200),
    ("POST", "/office/v1/settlements"): staff(403, 403, 403, 201, body=lambda s: s.no_draft()),
    ("PUT", "/office/v1/settlements/<int:settlement_no>/period"): staff(
        403,
        403,
        403,
        200,
        place=lambda s: s.drafted(),
        body=lambda s: {**s.settlement_version(), "until": s.settlement_end()},
    ),
    ("POST", "/office/v1/settlements/<int:settlement_no>/discard"): staff(
        403, 403, 403, 204, place=lambda s: s.drafted(), body=lambda s: s.settlement_version()
    ),
    ("POST", "/office/v1/settlements/<int:settlement_no>/close"): staff(
        403, 403, 403, 200, place=lambda s: s.drafted(), body=lambda s: s.settlement_version()
    ),
    ("POST", "/office/v1/settlements/<int:settlement_no>/reopen"): staff(
        403,
        403,
        403,
        200,
        place=lambda s: s.closed(),
        body=lambda s: {**s.settlement_version(), "reason": "late"},
    ),
    **{
        ("GET", f"/office/v1/settlements/<int:settlement_no>{what}"): staff(
            403, 403, 200, 200, place=lambda s: s.closed()
        )
        for what in ("", "/lines", "/nets", "/statement.csv", "/statement.xlsx")
    },
    ("GET", "/office/v1/settlements/<int:settlement_no>/closings"): staff(
        403, 403, 403, 200, place=lambda s: s.closed()
    ),
    # pages: a bearer token opens none; a clerk's browser has a cookie (tests/consoles)
    ("GET", "/static/<path:name>"): everybody(404, place=lambda _: {"name": "no-such-file.css"}),
    ("GET", "/till/sign-in"): everybody(200),
    ("POST", "/till/sign-in"): everybody(403, form=True),  # not sent from our own page
    ("POST", "/till/language/<string:language>"): everybody(
        403, form=True, place=lambda _: {"language": "en"}
    ),
    ("GET", "/till/"): everybody(303),
    ("GET", "/till/ready"): everybody(303),
    ("GET", "/till/sale"): everybody(303),
    ("POST", "/till/scans"): everybody(303, form=True),
    ("POST", "/till/rewards/hand-over"): everybody(303, form=True),
    ("POST", "/till/events/check-in"): everybody(303, form=True),
    ("POST", "/till/coupons"): everybody(303, form=True),
    ("POST", "/till/coupons/undo"): everybody(303, form=True),
    ("POST", "/till/coupons/give"): everybody(303, form=True),
    ("POST", "/till/sales"): everybody(303, form=True),
    ("POST", "/till/sales/quote"): everybody(303, form=True),
    ("POST", "/till/sales/take"): everybody(303, form=True),
    ("POST", "/till/sales/word"): everybody(303, form=True),
    ("POST", "/till/sales/amount"): everybody(303, form=True),
    ("GET", "/till/pin"): everybody(303),
    ("POST", "/till/pin"): everybody(303, form=True),
    ("GET", "/till/password"): everybody(303),
    ("POST", "/till/password"): everybody(303, form=True),
    ("POST", "/till/sign-out"): everybody(303, form=True),
    ("GET", "/preview/"): everybody(200),
    ("GET", "/preview/<path:name>"): everybody(200, place=lambda _: {"name": "index.html"}),
}
#: Pages that are registered only where they are wanted.
OPTIONAL = ("/static/", "/till/", "/preview/")
#: What ends the session of the actor for good, or changes what other rows of the table are about: tried last.
LAST = (("DELETE", "/api/v1/me/consent"),)


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def address(rule: str, place: dict[str, Any]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(place[found[1]]), rule)


def test_every_route_stands_in_the_table(app: Flask) -> None:
    assert sorted(routes(app) - set(TABLE)) == []
    gone = set(TABLE) - routes(app)
    assert [route for route in gone if not route[1].startswith(OPTIONAL)] == []


@pytest.mark.timeout(240)
def test_everybody_may_do_what_the_table_says_and_nothing_else(shop: Shop) -> None:
    """Of those whose time is over, strangers knock everywhere, and one of the others in turn."""
    _hold(shop, every_ended=False)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nobody_whose_time_is_over_may_do_anything_anywhere(shop: Shop) -> None:
    _hold(shop, every_ended=True)


def _hold(shop: Shop, *, every_ended: bool) -> None:
    scene = Scene(shop)
    client = shop.app.test_client()
    wrong = []
    shown: dict[str, dict[str, str]] = {}
    there = routes(shop.app)
    for number, route in enumerate(sorted(TABLE, key=lambda route: route in LAST)):
        if route not in there:
            continue
        left_out = set() if every_ended else set(ENDED) - {"anonymous", ENDED[1 + number % (len(ENDED) - 1)]}
        method, rule = route
        row = TABLE[route]
        place, body = None, None
        for actor in ACTORS:
            if actor in left_out:
                continue
            if place is None:
                place = address(rule, row.place(scene))
                query = row.query(scene)
                place += f"?{urlencode(query)}" if query else ""
                body = None if row.body is None or row.form else row.body(scene)
            if actor not in shown:
                shown[actor] = scene.headers(actor)
            headers = {**shown[actor], "Idempotency-Key": uuid.uuid4().hex}
            options: dict[str, Any] = {"data": {"x": "1"}} if row.form else {"json": body}
            if body is None and not row.form:
                options = {}
            shop.parts.redis.flushdb()  # type: ignore[union-attr]  # throttling is another test's subject
            given = client.open(place, method=method, headers=headers, **options)
            due = row.expected.get(actor, row.otherwise)
            if given.status_code != due:
                wrong.append(
                    f"{method} {place} as {actor}: {given.status_code}, not {due}: {given.text[:120]}"
                )
            given.close()
            if given.status_code < 400:
                place = None  # it may be used up; after a refusal it is as it was
                if method != "GET":
                    shown.clear()  # it may have ended what somebody is known by
    assert wrong == []


def test_somebody_elses_thing_looks_as_if_it_were_not_there(shop: Shop) -> None:
    scene = Scene(shop)
    other = scene.till_2.get(f"/sales/{scene.sale}").json
    none = scene.till_2.get("/sales/01J00000000000000000000000").json
    assert {**other, "request_id": ""} == {**none, "request_id": ""}
