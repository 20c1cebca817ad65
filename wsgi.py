"""Puts the product together; the only place that does. `flask --app wsgi`, `granian wsgi:create_app()`."""

import gc

# What is loaded stays, and looking through it for garbage again and again takes a quarter of the start.
gc.disable()

import os
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

import commands
import consoles
import consoles.preview.pages
import miniprogram_api.balance
import miniprogram_api.callbacks.sms
import miniprogram_api.callbacks.wechat
import miniprogram_api.callbacks.wechat_pay
import miniprogram_api.campaigns
import miniprogram_api.check_ins
import miniprogram_api.codes
import miniprogram_api.confirmations
import miniprogram_api.coupon_centre
import miniprogram_api.coupon_offers
import miniprogram_api.coupons
import miniprogram_api.email
import miniprogram_api.entry
import miniprogram_api.events
import miniprogram_api.feedback
import miniprogram_api.invite
import miniprogram_api.lotteries
import miniprogram_api.me
import miniprogram_api.message_preferences
import miniprogram_api.messages
import miniprogram_api.pictures
import miniprogram_api.points
import miniprogram_api.recommendations
import miniprogram_api.rewards
import miniprogram_api.stores
import miniprogram_api.subscriptions
import miniprogram_api.surveys
import miniprogram_api.tier
import miniprogram_api.top_ups
import office_api.activities
import office_api.activity_templates
import office_api.approvals
import office_api.audit_entries
import office_api.automations
import office_api.campaigns
import office_api.coupon_costs
import office_api.coupon_grants
import office_api.coupon_recalls
import office_api.coupon_templates
import office_api.discount_rules
import office_api.earn_rules
import office_api.event_bookings
import office_api.event_sessions
import office_api.events
import office_api.feedback
import office_api.lottery_rounds
import office_api.marketing_choices
import office_api.member_tags
import office_api.offline_uploads
import office_api.people
import office_api.pictures
import office_api.policies
import office_api.products
import office_api.referrals
import office_api.reward_items
import office_api.reward_orders
import office_api.segment_previews
import office_api.segments
import office_api.session
import office_api.settlement_figures
import office_api.settlement_files
import office_api.settlements
import office_api.shifts
import office_api.shops
import office_api.staff_memberships
import office_api.subscribe_templates
import office_api.survey_results
import office_api.tiers
import office_api.top_up_offers
import office_api.top_ups
import pos_api.coupon_grants
import pos_api.coupon_redemptions
import pos_api.events
import pos_api.offline_sales
import pos_api.phone_finds
import pos_api.quotes
import pos_api.refunds
import pos_api.retro_credits
import pos_api.rewards
import pos_api.sales
import pos_api.scans
import pos_api.shifts
import pos_api.top_up_refunds
import pos_api.top_ups
from app import db, models, settings
from app.errors import DomainError
from app.messages import epoch
from app.parts import Parts, assemble
from app.providers.places import Places
from commands import db as migrations
from web import api, bodies, docs, errors, headers, health, logs, metrics

gc.freeze()
gc.enable()

JSON_FACES = (
    miniprogram_api.entry.blueprint,
    miniprogram_api.me.blueprint,
    miniprogram_api.email.blueprint,
    miniprogram_api.codes.blueprint,
    miniprogram_api.points.balance_blueprint,
    miniprogram_api.points.blueprint,
    miniprogram_api.balance.blueprint,
    miniprogram_api.top_ups.blueprint,
    miniprogram_api.tier.blueprint,
    miniprogram_api.confirmations.blueprint,
    miniprogram_api.message_preferences.blueprint,
    miniprogram_api.recommendations.blueprint,
    miniprogram_api.messages.blueprint,
    miniprogram_api.campaigns.blueprint,
    miniprogram_api.coupons.blueprint,
    miniprogram_api.coupon_centre.blueprint,
    miniprogram_api.coupon_offers.blueprint,
    miniprogram_api.pictures.blueprint,
    miniprogram_api.rewards.blueprint,
    miniprogram_api.rewards.order_blueprint,
    miniprogram_api.events.blueprint,
    miniprogram_api.events.booking_blueprint,
    miniprogram_api.check_ins.blueprint,
    miniprogram_api.lotteries.blueprint,
    miniprogram_api.invite.blueprint,
    miniprogram_api.stores.blueprint,
    miniprogram_api.subscriptions.blueprint,
    miniprogram_api.surveys.blueprint,
    miniprogram_api.feedback.blueprint,
    pos_api.scans.blueprint,
    pos_api.phone_finds.blueprint,
    pos_api.quotes.blueprint,
    pos_api.coupon_redemptions.blueprint,
    pos_api.sales.blueprint,
    pos_api.refunds.blueprint,
    pos_api.retro_credits.blueprint,
    pos_api.offline_sales.blueprint,
    pos_api.shifts.blueprint,
    pos_api.top_ups.blueprint,
    pos_api.top_up_refunds.blueprint,
    pos_api.coupon_grants.blueprint,
    pos_api.rewards.blueprint,
    pos_api.events.blueprint,
    office_api.session.open_blueprint,
    office_api.session.blueprint,
    office_api.session.account_blueprint,
    office_api.people.blueprint,
    office_api.staff_memberships.blueprint,
    office_api.shops.blueprint,
    office_api.shifts.blueprint,
    office_api.audit_entries.blueprint,
    office_api.approvals.blueprint,
    office_api.offline_uploads.blueprint,
    office_api.policies.blueprint,
    office_api.coupon_templates.blueprint,
    office_api.coupon_grants.blueprint,
    office_api.coupon_recalls.blueprint,
    office_api.coupon_costs.blueprint,
    office_api.discount_rules.blueprint,
    office_api.earn_rules.blueprint,
    office_api.activities.blueprint,
    office_api.subscribe_templates.blueprint,
    office_api.survey_results.blueprint,
    office_api.feedback.blueprint,
    office_api.activity_templates.blueprint,
    office_api.lottery_rounds.blueprint,
    office_api.referrals.blueprint,
    office_api.events.blueprint,
    office_api.event_sessions.blueprint,
    office_api.event_bookings.blueprint,
    office_api.top_up_offers.blueprint,
    office_api.top_ups.blueprint,
    office_api.tiers.blueprint,
    office_api.pictures.blueprint,
    office_api.pictures.upload_blueprint,
    office_api.reward_items.blueprint,
    office_api.reward_orders.blueprint,
    office_api.segments.blueprint,
    office_api.segment_previews.blueprint,
    office_api.products.blueprint,
    office_api.member_tags.blueprint,
    office_api.marketing_choices.blueprint,
    office_api.automations.blueprint,
    office_api.campaigns.blueprint,
    office_api.settlements.blueprint,
    office_api.settlement_figures.blueprint,
    office_api.settlement_files.blueprint,
)


class App(Flask):
    """Flask without coroutines: no view or hook is one, and it would look at each of them in every request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(given: settings.Settings | None = None) -> Flask:
    """The WSGI application. Reads the environment unless settings are given; raises `SettingsError`."""
    here = given or settings.load(os.environ)
    logs.configure(here.log_level)
    app = App(__name__, template_folder="templates", static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=here.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=db.engine_options(here.db_pool_size),
        METRICS_TOKEN=here.metrics_token,
    )
    db.db.init_app(app)
    with app.app_context():
        db.bind(db.db.engine)
    parts = assemble(here)
    app.extensions["parts"] = parts
    app.extensions["readiness"] = _probes(parts)
    if here.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, here.trusted_proxies, here.trusted_proxies)  # type: ignore[method-assign]
    _install(app)
    bodies.install(app, Places.half_of(here.db_pool_size))
    if here.preview_sandbox_url is not None:
        app.register_blueprint(consoles.preview.pages.blueprint)
        app.register_blueprint(consoles.preview.pages.entrance)
    return app


def _install(app: Flask) -> None:
    headers.install(app)
    document = api.install(app)
    app.extensions["openapi"] = document
    for face in JSON_FACES:
        document.register_blueprint(face)
    for blueprint in (
        docs.blueprint,
        health.blueprint,
        metrics.blueprint,
        miniprogram_api.callbacks.wechat.blueprint,
        miniprogram_api.callbacks.sms.blueprint,
        miniprogram_api.callbacks.wechat_pay.blueprint,
    ):
        app.register_blueprint(blueprint)
    consoles.install(app)
    errors.install(app)
    logs.install(app)
    commands.install(app)


def _probes(parts: Parts) -> dict[str, health.Probe]:
    def database() -> str:
        try:
            with db.reading() as connection:
                connection.execute(text("SELECT 1"))
                return "ok"
        except DomainError:
            return "away"

    def schema() -> str:
        try:
            with db.reading() as connection:
                return migrations.state(connection)
        except DomainError:
            return "unknown"

    def redis() -> str:
        if parts.redis is None:
            return "not configured"
        try:
            return "ok" if parts.redis.ping() else "degraded"
        except Exception:
            return "degraded"

    def outbox() -> str:
        try:
            return "ok" if epoch.standing().held_at is None else "held"
        except Exception:  # away, or without the table yet: the others say so
            return "unknown"

    return {"database": database, "migrations": schema, "redis": redis, "outbox": outbox}


__all__ = ["create_app", "models"]
