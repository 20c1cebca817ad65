"""The clerk a point-of-sale machine names."""

from typing import Any

import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.errors import Forbidden
from app.staff.roles import SELL, Grant, require
from app.stores.tills import Till

_CLERK = """
    SELECT s.id, r.role, r.store_id FROM staff s JOIN staff_roles r ON r.staff_id = s.id
    WHERE s.staff_no = %(staff_no)s AND s.status = 'active'"""


def with_named_clerk(connection: psycopg.Connection[Any] | Session, till: Till) -> Till:
    """The till with the clerk it names, if it names one. Raises `Forbidden` for one who may not sell in its store."""
    if till.staff_no is None:
        return till
    rows = ask(connection, _CLERK, {"staff_no": till.staff_no})
    if not rows:
        raise Forbidden
    require(tuple(Grant(row.role, row.store_id) for row in rows), SELL, till.store_id)
    return till.with_clerk(rows[0].id)
