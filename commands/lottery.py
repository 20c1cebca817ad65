"""`flask --app wsgi lottery …`: was every prize drawn as the seed says?"""

import click
from flask.cli import AppGroup

from app.engagement.lottery_verify import verify
from commands.words import said

group = AppGroup("lottery", help="Lotteries.")
_SHOWN = 100


@group.command("verify")
@click.argument("round_id")
def verify_(round_id: str) -> None:
    """Recompute every draw of a round whose seed was told; exit with 1 if one is not as it should be."""
    with said():
        found = verify(round_id=round_id)
    for fault in found.faults[:_SHOWN]:
        click.echo(f"{fault.what}: {fault.problem}")
    if found.faults:
        raise SystemExit(f"{len(found.faults)} faults in {found.draws} draws")
    click.echo(f"{found.draws} draws, all as the seed says")
