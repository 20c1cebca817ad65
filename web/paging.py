"""Lists a page at a time: the cursor is the last item's sort key, opaque to the caller."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from marshmallow import fields, validate

from app.errors import Invalid
from web.schemas import QueryNumber, Strict

T = TypeVar("T")
MOST = 100
#: Numbers, ids, and codes of stores, which hold hyphens.
_SORT_KEY = re.compile(r"[A-Za-z0-9-]{1,40}")


class BadCursor(Invalid):
    code = "cursor_malformed"


class PageArguments(Strict):
    limit = QueryNumber(load_default=20, validate=validate.Range(1, MOST))
    cursor = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.Length(1, 80),
        metadata={"description": "`next_cursor` of the page before; without it, the first page"},
    )


def page_of(item: type[Strict]) -> Strict:
    """The schema of a page of such items; `StoreSchema` gives `StorePageSchema`."""
    name = item.__name__.removesuffix("Schema") + "PageSchema"
    page_schema = Strict.from_dict(
        {
            "items": fields.List(fields.Nested(item()), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=name,
    )
    return cast(Strict, page_schema())


@dataclass(frozen=True)
class Page:
    """What to fetch: `limit` items after `after` (None: from the start)."""

    limit: int
    after: str | None


def asked(arguments: dict[str, Any]) -> Page:
    """Raises `BadCursor` for a cursor we did not hand out."""
    cursor = arguments["cursor"]
    if cursor is None:
        return Page(arguments["limit"], None)
    try:
        after = base64.b64decode(cursor.encode("ascii"), b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise BadCursor from None
    if not _SORT_KEY.fullmatch(after):
        raise BadCursor
    return Page(arguments["limit"], after)


def numeric(page: Page) -> int | None:
    """The cursor of a list sorted by a number. Raises `BadCursor`."""
    if page.after is None:
        return None
    if not page.after.isdigit() or len(page.after) > 18:
        raise BadCursor
    return int(page.after)


def matched(page: Page, place: re.Pattern[str]) -> re.Match[str] | None:
    """The cursor of a list sorted by more than one thing, taken apart by `place`; None at the start.

    Raises `BadCursor`.
    """
    if page.after is None:
        return None
    found = place.fullmatch(page.after)
    if found is None:
        raise BadCursor
    return found


def cursor_of(sort_key: object) -> str:
    """The cursor of a page that begins behind that key."""
    return base64.urlsafe_b64encode(str(sort_key).encode()).decode()


def page(
    items: Sequence[T], wanted: Page, sort_key: Callable[[T], object], dump: Callable[[T], dict[str, Any]]
) -> dict[str, Any]:
    """The JSON of a page. Callers fetch one item more than the limit, so that the end is known without a count."""
    shown = items[: wanted.limit]
    more = len(items) > wanted.limit
    cursor = cursor_of(sort_key(shown[-1])) if more else None
    return {"items": [dump(item) for item in shown], "next_cursor": cursor}
