"""Every table, in one import: for migrations and for whoever needs the whole metadata."""

from app import audit, idempotency, pictures, policies
from app.approvals import models as approvals
from app.automations import models as automations
from app.campaigns import models as campaigns
from app.checkout import daily_models as daily
from app.checkout import models as checkout
from app.checkout import offline_models as offline
from app.coupons import grant_models as coupon_grants
from app.coupons import models as coupons
from app.discounts import models as discounts
from app.engagement import lottery_models as lottery
from app.engagement import models as engagement
from app.engagement import referral_models as referral
from app.engagement import survey_models as surveys
from app.engagement.events import models as events
from app.engagement.rewards import models as rewards
from app.engagement.rewards import payment_models as reward_payments
from app.facts import models as facts
from app.feedback import models as feedback
from app.identity import models as identity
from app.ledger import models as ledger
from app.members import emails
from app.members import models as members
from app.messages import models as messages
from app.points import models as points
from app.recommendations import models as recommendations
from app.segments import models as segments
from app.settlement import models as settlement
from app.staff import models as staff
from app.stored_value import models as stored_value
from app.stored_value import refund_models as top_up_refunds
from app.stores import models as stores
from app.tiers import models as tiers

__all__ = [
    "approvals",
    "audit",
    "automations",
    "campaigns",
    "checkout",
    "coupon_grants",
    "coupons",
    "daily",
    "discounts",
    "emails",
    "engagement",
    "events",
    "facts",
    "feedback",
    "idempotency",
    "identity",
    "ledger",
    "lottery",
    "members",
    "messages",
    "offline",
    "pictures",
    "points",
    "policies",
    "recommendations",
    "referral",
    "reward_payments",
    "rewards",
    "segments",
    "settlement",
    "staff",
    "stored_value",
    "stores",
    "surveys",
    "tiers",
    "top_up_refunds",
]
