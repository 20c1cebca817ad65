"""Refusals at the command line: a sentence and exit code 1 instead of a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.errors import DomainError, NotFound
from app.texts import refusal_text


@contextmanager
def said(**sought: str | None) -> Iterator[None]:
    """`sought` is what there may be none of; None: it was not named."""
    try:
        yield
    except DomainError as error:
        named = {name: value for name, value in sought.items() if value is not None}
        told_of = named | error.data if isinstance(error, NotFound) else error.data
        facts = "".join(f" {name}={value}" for name, value in told_of.items())
        told = refusal_text(error.code, error.data, "en")
        raise click.ClickException(f"{error.code}: {told}{facts}") from None
