"""`flask --app wsgi staff …`: people, for the operator; the first admin comes from here."""

import click
from flask.cli import AppGroup

from app import clock
from app.audit import OPERATOR
from app.staff import accounts
from app.staff.roles import Grant
from app.stores.setup import store_codes, store_ids
from commands.words import said

group = AppGroup("staff", help="Staff and their roles.")
_BOSS = accounts.Boss(actor=OPERATOR, grants=None)


def _grants(words: tuple[str, ...]) -> tuple[Grant, ...]:
    """`admin` or `clerk@S001`."""
    pairs = [word.partition("@") for word in words]
    ids = store_ids({store for _, _, store in pairs if store})
    return tuple(Grant(role, ids[store] if store else None) for role, _, store in pairs)


@group.command("add")
@click.argument("login")
@click.option("--number", required=True, help="Staff number, such as 1001.")
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, required=True, help="ROLE or ROLE@STORE; may be repeated.")
@click.password_option(help="Asked for when not given.", envvar="STAFF_PASSWORD")
@click.option(
    "--own-password", is_flag=True, help="The person chose the password: it does not expire and may stay."
)
def add(
    login: str, number: str, name: str, roles: tuple[str, ...], password: str, own_password: bool
) -> None:
    """Add a person. Roles: clerk, marketer, manager, admin.

    The password is temporary unless it is their own: good for 72 hours, and to be changed at the first sign-in.
    """
    with said(role=" ".join(roles)):
        person = accounts.add(
            login=login,
            staff_no=number,
            name=name,
            password=password,
            grants=_grants(roles),
            boss=_BOSS,
            now=clock.now(),
            own_password=own_password,
        )
    click.echo(f"added {person.login} ({person.staff_no})")


@group.command("list")
def listing() -> None:
    """Everybody, with roles and status."""
    after: int | None = None
    while people := accounts.listing(boss=_BOSS, limit=100, after=after):
        for person in people:
            codes = store_codes({g.store_id for g in person.grants if g.store_id is not None})
            roles = ", ".join(
                g.role if g.store_id is None else f"{g.role}@{codes[g.store_id]}" for g in person.grants
            )
            click.echo(f"{person.staff_no}\t{person.login}\t{person.status}\t{roles}")
        after = people[-1].id


@group.command("disable")
@click.argument("login")
def disable(login: str) -> None:
    """End a person's access at once."""
    _set_status(login, "disabled")


@group.command("enable")
@click.argument("login")
def enable(login: str) -> None:
    """Give a disabled person their access back."""
    _set_status(login, "active")


def _set_status(login: str, status: str) -> None:
    with said(login=login):
        person = accounts.by_login(login)
        accounts.change(
            staff_id=person.id,
            version=person.version,
            name=None,
            status=status,
            grants=None,
            boss=_BOSS,
            now=clock.now(),
        )
    click.echo(f"{login} is {status}")


@group.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1, required=True)
def roles(login: str, roles: tuple[str, ...]) -> None:
    """Replace a person's roles: ROLE or ROLE@STORE, one or more."""
    with said(login=login, role=" ".join(roles)):
        person = accounts.by_login(login)
        accounts.change(
            staff_id=person.id,
            version=person.version,
            name=None,
            status=None,
            grants=_grants(roles),
            boss=_BOSS,
            now=clock.now(),
        )
    click.echo(f"{login} has {', '.join(roles)}")


@group.command("reset-password")
@click.argument("login")
def reset_password(login: str) -> None:
    """Print a temporary password, good for 72 hours; all sessions of the person end."""
    with said(login=login):
        person = accounts.by_login(login)
        password = accounts.reset_password(staff_id=person.id, boss=_BOSS, now=clock.now())
    click.echo(password)
