"""Campaigns: drafts, forecast, review by a second person, pause and stop, tests, report."""

from typing import Any

from flask import Response

from app import clock
from app.campaigns import campaign as campaigns
from app.campaigns import draft, halt, review
from app.campaigns.forecast import forecast
from app.campaigns.report import report
from app.campaigns.try_out import try_out
from app.staff.roles import MANAGE_CAMPAIGNS
from app.throttle import Limit
from office_api.campaign_schemas import (
    CampaignAsReadSchema,
    CampaignChangeSchema,
    CampaignCopySchema,
    CampaignDraftSchema,
    CampaignForecastSchema,
    CampaignReportSchema,
    CampaignsArguments,
    CampaignSchema,
    CampaignTestedSchema,
    CampaignTestSchema,
    draft_of,
    dump_campaign,
    dump_forecast,
    dump_report,
)
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import asked, page, page_of
from web.parts import parts

blueprint = Blueprint(
    "campaigns", __name__, url_prefix="/office/v1/campaigns", description="What is told to many members"
)
guarded(blueprint, require_staff)

#: A forecast asks all members, and a test sends: more than somebody at a page asks for.
FORECASTS, TESTS = Limit("campaign_forecasts", 60, 600), Limit("campaign_tests", 30, 600)
#: A test needs no second person: no way to tell a crowd.
TESTS_A_DAY = Limit("campaign_tests_a_day", 100, 86_400)


@blueprint.get("")
@blueprint.arguments(CampaignsArguments(), location="query")
@blueprint.response(200, page_of(CampaignSchema))
@blueprint.doc(security=STAFF)
def list_campaigns(arguments: dict[str, Any]) -> Response:
    """Newest first; those that were discarded only when their state is asked for."""
    my_stores(MANAGE_CAMPAIGNS)
    wanted = asked(arguments)
    found = campaigns.list_campaigns(state=arguments["state"], limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda one: one.id, dump_campaign))


@blueprint.get("/<string:campaign_id>")
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def show(campaign_id: str) -> Response:
    """One of them."""
    my_stores(MANAGE_CAMPAIGNS)
    return answer(dump_campaign(campaigns.show(campaign_id=campaign_id)))


@blueprint.post("")
@blueprint.arguments(CampaignDraftSchema())
@blueprint.response(201, CampaignSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """A draft. For whoever has the right in all stores."""
    need(MANAGE_CAMPAIGNS, None)
    made = draft.create(draft=draft_of(arguments), actor=actor(), now=clock.now())
    return answer(dump_campaign(made), 201)


@blueprint.put("/<string:campaign_id>")
@blueprint.arguments(CampaignChangeSchema())
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], campaign_id: str) -> Response:
    """Change a draft, whole. What waits for a second person has to be withdrawn first."""
    need(MANAGE_CAMPAIGNS, None)
    changed = draft.change(
        campaign_id=campaign_id,
        version=arguments["version"],
        draft=draft_of(arguments),
        actor=actor(),
        now=clock.now(),
    )
    return answer(dump_campaign(changed))


@blueprint.post("/<string:campaign_id>/discard")
@blueprint.arguments(CampaignAsReadSchema())
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def discard(arguments: dict[str, Any], campaign_id: str) -> Response:
    """Put a draft away for good. It can still be read and copied."""
    need(MANAGE_CAMPAIGNS, None)
    gone = draft.discard(campaign_id=campaign_id, **arguments, actor=actor(), now=clock.now())
    return answer(dump_campaign(gone))


@blueprint.post("/<string:campaign_id>/duplicate")
@blueprint.arguments(CampaignCopySchema())
@blueprint.response(201, CampaignSchema())
@blueprint.doc(security=STAFF)
def duplicate(arguments: dict[str, Any], campaign_id: str) -> Response:
    """A draft of the same, under another name and without its time."""
    need(MANAGE_CAMPAIGNS, None)
    made = draft.duplicate(campaign_id=campaign_id, **arguments, actor=actor(), now=clock.now())
    return answer(dump_campaign(made), 201)


@blueprint.get("/<string:campaign_id>/forecast")
@blueprint.response(200, CampaignForecastSchema())
@blueprint.doc(security=STAFF)
def show_forecast(campaign_id: str) -> Response:
    """Of so many in the segment, so many can be reached, and why the others cannot. Saves nothing.

    503 `segment_too_slow` when it is not found out within ten seconds, `segments_busy` while others are counted.
    """
    need(MANAGE_CAMPAIGNS, None)
    parts().throttle.hit(FORECASTS, me().id)
    app_id = parts().settings.wechat_app_id
    return answer(dump_forecast(forecast(campaign_id=campaign_id, app_id=app_id, now=clock.now())))


@blueprint.post("/<string:campaign_id>/test")
@blueprint.arguments(CampaignTestSchema())
@blueprint.response(200, CampaignTestedSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def send_test(arguments: dict[str, Any], campaign_id: str) -> Response:
    """Send it now to up to five members, marked as a test where there is room to say so."""
    need(MANAGE_CAMPAIGNS, None)
    parts().throttle.hit(TESTS, me().id)
    parts().throttle.hit(TESTS_A_DAY, me().id)
    tried = try_out(
        campaign_id=campaign_id,
        numbers=arguments["members"],
        app_id=parts().settings.wechat_app_id,
        actor=actor(),
        request=keyed(f"staff:{me().id}"),
        now=clock.now(),
    )
    return answer({"items": [one.__dict__ for one in tried.items]})


@blueprint.post("/<string:campaign_id>/submit")
@blueprint.arguments(CampaignAsReadSchema())
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def submit(arguments: dict[str, Any], campaign_id: str) -> Response:
    """Put it before a second person; when they agree it begins at its time, or at once."""
    need(MANAGE_CAMPAIGNS, None)
    waiting = review.submit(campaign_id=campaign_id, **arguments, staff_id=me().id, now=clock.now())
    return answer(dump_campaign(waiting))


@blueprint.post("/<string:campaign_id>/take-back")
@blueprint.arguments(CampaignAsReadSchema())
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def take_back(arguments: dict[str, Any], campaign_id: str) -> Response:
    """What was agreed to and has not begun is a draft again; it takes a second person anew."""
    need(MANAGE_CAMPAIGNS, None)
    taken = halt.take_back(campaign_id=campaign_id, **arguments, actor=actor(), now=clock.now())
    return answer(dump_campaign(taken))


@blueprint.post("/<string:campaign_id>/pause")
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def pause(campaign_id: str) -> Response:
    """Nobody more is told until it is resumed: messages that wait are called back."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_campaign(halt.pause(campaign_id=campaign_id, actor=actor(), now=clock.now())))


@blueprint.post("/<string:campaign_id>/resume")
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def resume(campaign_id: str) -> Response:
    """Go on with whom nobody has told."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_campaign(halt.resume(campaign_id=campaign_id, actor=actor(), now=clock.now())))


@blueprint.post("/<string:campaign_id>/stop")
@blueprint.response(200, CampaignSchema())
@blueprint.doc(security=STAFF)
def stop(campaign_id: str) -> Response:
    """For good: messages that wait are cancelled, and their credits go back."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_campaign(halt.stop(campaign_id=campaign_id, actor=actor(), now=clock.now())))


@blueprint.get("/<string:campaign_id>/report")
@blueprint.response(200, CampaignReportSchema())
@blueprint.doc(security=STAFF)
def show_report(campaign_id: str) -> Response:
    """How far it is and what came of it, as things are now."""
    my_stores(MANAGE_CAMPAIGNS)
    return answer(dump_report(report(campaign_id=campaign_id, now=clock.now())))
