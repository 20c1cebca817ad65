"""`flask --app wsgi policies …`: limits of the whole brand, for the operator, whom nobody else has to agree with."""

import json
from typing import Any

import click
import msgspec
from flask.cli import AppGroup

from app import clock, policies
from app.audit import OPERATOR
from app.checkout.set_policy import KINDS
from commands.words import said

group = AppGroup("policies", help="Policies of the whole brand.")


@group.command("show")
def show() -> None:
    """All policies as they stand."""
    for name, kind in sorted(KINDS.items()):
        standing = policies.standing(kind)
        click.echo(f"{name}\tversion {standing.version}\t{json.dumps(msgspec.to_builtins(standing.value))}")


@group.command("set")
@click.argument("name", type=click.Choice(sorted(KINDS)))
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
def set_(name: str, fields: tuple[str, ...]) -> None:
    """Set fields of a policy at once, looser ones too; the others stay. Values are whole numbers or null."""
    kind = KINDS[name]
    with said():
        standing = policies.standing(kind)
        changed = policies.change(
            kind=kind,
            value={**msgspec.to_builtins(standing.value), **_values(fields)},
            version=standing.version,
            actor=OPERATOR,
            now=clock.now(),
        )
    click.echo(f"{name} is version {changed.version}")


def _values(fields: tuple[str, ...]) -> dict[str, Any]:
    pairs = [field.partition("=") for field in fields]
    try:
        return {field: json.loads(value) for field, _, value in pairs}
    except ValueError:
        raise click.BadParameter("write FIELD=VALUE, with a whole number or null") from None
