"""`flask --app wsgi stores …`: stores, tills, keys, and the rule sales earn by."""

import click
from flask.cli import AppGroup

from app import clock
from app.audit import OPERATOR
from app.points.change import set_rule
from app.stores import setup
from commands.words import said

group = AppGroup("stores", help="Stores, tills, API keys, earning rules.")


@group.command("add")
@click.argument("code")
@click.option("--name", required=True)
@click.option("--time-zone", default="Asia/Shanghai", show_default=True)
def add(code: str, name: str, time_zone: str) -> None:
    """Open a store."""
    with said():
        setup.open_store(code=code, name=name, time_zone=time_zone, actor=OPERATOR, now=clock.now())
    click.echo(f"opened {code}")


@group.command("add-terminal")
@click.argument("store")
@click.argument("code")
@click.option("--name", required=True)
def add_terminal(store: str, code: str, name: str) -> None:
    """Add a till to a store."""
    with said(store=store):
        setup.add_terminal(store_code=store, code=code, name=name, actor=OPERATOR, now=clock.now())
    click.echo(f"added {store}/{code}")


@group.command("add-key")
@click.argument("store")
@click.argument("terminal")
@click.option("--name", required=True)
def add_key(store: str, terminal: str, name: str) -> None:
    """Print a new API key for the machine at a till; it is shown this once."""
    with said(store=store, terminal=terminal):
        created = setup.create_api_key(
            store_code=store, terminal_code=terminal, name=name, actor=OPERATOR, now=clock.now()
        )
    click.echo(created.key)


@group.command("revoke-key")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Withdraw a key by its id (see `keys`)."""
    with said(key=key_id):
        setup.revoke_api_key(key_id=key_id, actor=OPERATOR, now=clock.now())
    click.echo("revoked")


@group.command("keys")
def keys() -> None:
    """All API keys, without their secret part."""
    after: str | None = None
    while found := setup.list_api_keys(store_ids=None, limit=100, after=after):
        for key in found:
            state = "revoked" if key.revoked_at else "live"
            click.echo(f"{key.id}\t{key.store_code}/{key.terminal_code}\t…{key.hint}\t{state}\t{key.name}")
        after = found[-1].id


@group.command("earn-rule")
@click.option("--store", help="Store code; without it the rule is the brand's.")
@click.option("--rate-bp", type=click.IntRange(0, 1_000_000), required=True, help="Points per yuan × 10,000.")
@click.option("--lifetime-days", type=click.IntRange(1, 3_660), help="Without it points never end.")
def earn_rule(store: str | None, rate_bp: int, lifetime_days: int | None) -> None:
    """Set how sales earn from now on."""
    now = clock.now()
    with said(store=store):
        rule = set_rule(
            store_id=None if store is None else setup.store_ids({store})[store],
            rate_bp=rate_bp,
            lifetime_days=lifetime_days,
            effective_from=now,
            actor=OPERATOR,
            now=now,
        )
    click.echo(f"rule {rule}")
