"""Automations: drafts, ready ones, a dry run, review by a second person, the switch, report."""

from typing import Any

from flask import Response

from app import clock
from app.automations import automation as automations
from app.automations import draft, review
from app.automations.dry_run import dry_run
from app.automations.report import report
from app.automations.templates import TEMPLATES
from app.staff.roles import MANAGE_CAMPAIGNS
from app.throttle import Limit
from office_api.automation_schemas import (
    AutomationAsReadSchema,
    AutomationChangeSchema,
    AutomationDraftSchema,
    AutomationReportSchema,
    AutomationsArguments,
    AutomationSchema,
    AutomationTemplatesSchema,
    DryRunArguments,
    DryRunSchema,
    draft_of,
    dump_automation,
    dump_dry_run,
    dump_report,
    dump_template,
)
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import asked, numeric, page, page_of
from web.parts import parts

blueprint = Blueprint(
    "automations",
    __name__,
    url_prefix="/office/v1/automations",
    description="What is done by itself when something happens to a member",
)
guarded(blueprint, require_staff)

#: It asks about all members, many days at once.
DRY_RUNS = Limit("automation_dry_runs", 30, 600)


@blueprint.get("")
@blueprint.arguments(AutomationsArguments(), location="query")
@blueprint.response(200, page_of(AutomationSchema))
@blueprint.doc(security=STAFF)
def list_automations(arguments: dict[str, Any]) -> Response:
    """Newest first."""
    my_stores(MANAGE_CAMPAIGNS)
    wanted = asked(arguments)
    found = automations.list_automations(
        state=arguments["state"], limit=wanted.limit + 1, before=numeric(wanted)
    )
    return answer(page(found, wanted, lambda one: one.no, dump_automation))


@blueprint.get("/templates")
@blueprint.response(200, AutomationTemplatesSchema())
@blueprint.doc(security=STAFF)
def list_templates() -> Response:
    """Ready drafts, with words in both languages: to be made as they are, but for the ids in `to_fill`."""
    my_stores(MANAGE_CAMPAIGNS)
    return answer({"items": [dump_template(one) for one in TEMPLATES]})


@blueprint.get("/<int:automation_no>")
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def show(automation_no: int) -> Response:
    """One of them."""
    my_stores(MANAGE_CAMPAIGNS)
    return answer(dump_automation(automations.show(no=automation_no)))


@blueprint.post("")
@blueprint.arguments(AutomationDraftSchema())
@blueprint.response(201, AutomationSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """A draft. For whoever has the right in all stores."""
    need(MANAGE_CAMPAIGNS, None)
    made = draft.create(draft=draft_of(arguments), actor=actor(), now=clock.now())
    return answer(dump_automation(made), 201)


@blueprint.put("/<int:automation_no>")
@blueprint.arguments(AutomationChangeSchema())
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], automation_no: int) -> Response:
    """Change a draft, or one that is off, whole: it is a draft then, and what waits of it comes to nothing."""
    need(MANAGE_CAMPAIGNS, None)
    changed = draft.change(
        no=automation_no,
        version=arguments["version"],
        draft=draft_of(arguments),
        actor=actor(),
        now=clock.now(),
    )
    return answer(dump_automation(changed))


@blueprint.get("/<int:automation_no>/dry-run")
@blueprint.arguments(DryRunArguments(), location="query")
@blueprint.response(200, DryRunSchema())
@blueprint.doc(security=STAFF)
def show_dry_run(arguments: dict[str, Any], automation_no: int) -> Response:
    """What it would have done in the last days, today included, had it been on. Saves nothing and tells nobody.

    503 `segment_too_slow` when it is not found out within ten seconds, `segments_busy` while others are counted.
    """
    need(MANAGE_CAMPAIGNS, None)
    parts().throttle.hit(DRY_RUNS, me().id)
    return answer(dump_dry_run(dry_run(no=automation_no, days=arguments["days"], now=clock.now())))


@blueprint.post("/<int:automation_no>/submit")
@blueprint.arguments(AutomationAsReadSchema())
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def submit(arguments: dict[str, Any], automation_no: int) -> Response:
    """Put it before a second person; when they agree it is on."""
    need(MANAGE_CAMPAIGNS, None)
    waiting = review.submit(no=automation_no, **arguments, staff_id=me().id, now=clock.now())
    return answer(dump_automation(waiting))


@blueprint.post("/<int:automation_no>/on")
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def switch_on(automation_no: int) -> Response:
    """On again, as it was agreed to."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_automation(review.switch_on(no=automation_no, actor=actor(), now=clock.now())))


@blueprint.post("/<int:automation_no>/off")
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def switch_off(automation_no: int) -> Response:
    """From the answer on it does nothing, and what comes due comes to nothing. Messages that wait are called back."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_automation(review.switch_off(no=automation_no, actor=actor(), now=clock.now())))


@blueprint.post("/<int:automation_no>/archive")
@blueprint.response(200, AutomationSchema())
@blueprint.doc(security=STAFF)
def archive(automation_no: int) -> Response:
    """For good."""
    need(MANAGE_CAMPAIGNS, None)
    return answer(dump_automation(review.archive(no=automation_no, actor=actor(), now=clock.now())))


@blueprint.get("/<int:automation_no>/report")
@blueprint.response(200, AutomationReportSchema())
@blueprint.doc(security=STAFF)
def show_report(automation_no: int) -> Response:
    """What it did, and who bought afterwards, as things are now."""
    my_stores(MANAGE_CAMPAIGNS)
    return answer(dump_report(report(no=automation_no)))
