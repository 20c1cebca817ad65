"""What became of a sale whose answer was lost, for whoever cannot send it again as it was."""

from app import idempotency
from app.checkout.record import Recorded
from app.db import ask, reading


def former_sale(request: idempotency.Request) -> Recorded | None:
    """The sale that was recorded under this key; None if there is none. Raises `KeyReused` if another one was."""
    with reading() as connection:
        for row in ask(connection, idempotency.FORMER, idempotency.claim_values(request)):
            return idempotency.former(request, row.request_hash, row.answer, Recorded)
    return None
