"""`flask --app wsgi coupons …`: templates of coupons, for the operator, whom nobody else has to agree with."""

import click
from flask.cli import AppGroup

from app import clock
from app.audit import OPERATOR
from app.coupons import change_template, template_listing
from commands.words import said

group = AppGroup("coupons", help="Templates of coupons.")


@group.command("list")
def list_() -> None:
    """All templates, newest first."""
    before: str | None = None
    while found := template_listing.list_templates(
        store_ids=None, state=None, limit=100, before=before, now=clock.now()
    ):
        for one in found:
            click.echo(
                f"{one.id}\tversion {one.version}\t{one.state}\t{one.face.name_zh}\t{one.face.name_en}"
            )
        before = found[-1].id


@group.command("publish")
@click.argument("template_id")
def publish(template_id: str) -> None:
    """Let members have coupons of a draft; nobody else has to agree."""
    now = clock.now()
    with said(template=template_id):
        found = template_listing.show(template_id=template_id, store_ids=None, now=now)
        change_template.submit(template_id=template_id, version=found.version, actor=OPERATOR, now=now)
    click.echo(f"{template_id} is live")
