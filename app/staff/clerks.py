"""The clerk a point-of-sale machine names."""

from typing import Any

import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.errors import Forbidden
from app.staff.roles import SELL, Grant, require
from app.stores.tills import Till


class PinWrong(Forbidden):
    """Also for a number that nobody has and for somebody without a PIN: which of them it was is nobody's business."""

    code = "staff_pin_wrong"


_CLERK = """
    SELECT s.id, r.role, r.store_id FROM staff s JOIN staff_roles r ON r.staff_id = s.id
    WHERE s.staff_no = %(staff_no)s AND s.status = 'active'"""


def with_named_clerk(connection: psycopg.Connection[Any] | Session, till: Till, right: str = SELL) -> Till:
    """The till with the clerk it names, if it names one. Raises `Forbidden` for one without the right in its store,
    `PinWrong` where a wrong PIN came with the name."""
    if till.staff_no is None:
        return till
    if till.pin_wrong:
        raise PinWrong
    rows = ask(connection, _CLERK, {"staff_no": till.staff_no})
    if not rows:
        # As of somebody who may not: which numbers there are is nobody's business.
        raise Forbidden(right=right)
    require(tuple(Grant(row.role, row.store_id) for row in rows), right, till.store_id)
    return till.with_clerk(rows[0].id)


def named_clerk(session: Session, till: Till, right: str = SELL) -> tuple[Till, int]:
    """As `with_named_clerk`, where somebody's name must stand; with their id. Raises `Forbidden` without one."""
    till = with_named_clerk(session, till, right)
    if till.staff_id is None:
        raise Forbidden
    return till, till.staff_id
