"""A sale being typed in: what the form sent along, and what is wrong with it."""

from dataclasses import dataclass, replace

from flask import request

import scan_codes
from app import clock
from app.checkout.tenders import TOLD, Kind, Tender
from consoles.clerk.forms import (
    LONGEST_RECEIPT_NO,
    AmountRefused,
    FieldRefused,
    fen_of,
    field,
    key_field,
    new_key,
    suggested_receipt_no,
)
from consoles.clerk.guard import terminal_code, till
from consoles.texts import t

#: As many coupons as a quote can be asked for by name.
MOST_CHOSEN = 20


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`key` stays the same until the sale is recorded, whatever else changes. The member may spend points, balance.

    `chosen` and `without` are keys of coupons that were switched on, and off.
    """

    key: str
    receipt_no: str
    amount: str = ""
    ticket: str = ""
    points: bool = False
    balance: bool = False
    chosen: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def chosen_field(self) -> str:
        return " ".join(self.chosen)

    @property
    def without_field(self) -> str:
        return " ".join(self.without)


def new_draft() -> Draft:
    number = suggested_receipt_no(terminal_code(), till().time_zone, clock.now())
    return Draft(key=new_key(), receipt_no=number)


def draft_sent(ticket: str | None = None) -> Draft:
    """The draft the page sent along, or a new one; `ticket` takes the place of its own. Raises `FieldRefused`."""
    ticket = field("ticket", 43) if ticket is None else ticket
    if not request.form.get("sale_key"):
        return replace(new_draft(), ticket=ticket)
    return Draft(
        key=key_field("sale_key"),
        receipt_no=field("receipt_no", LONGEST_RECEIPT_NO),
        amount=field("amount", 40),
        ticket=ticket,
        points=field("points", 1) == "1",
        balance=field("balance", 1) == "1",
        chosen=_keys("chosen"),
        without=_keys("without"),
    )


def _keys(name: str) -> tuple[str, ...]:
    """At most as many as a quote takes, each with its blank."""
    return tuple(field(name, MOST_CHOSEN * 40).split())[:MOST_CHOSEN]


def faults_of(draft: Draft) -> tuple[dict[str, str], int | None]:
    """Field → what is wrong with it, and the amount if it is one."""
    faults: dict[str, str] = {}
    amount_fen = None
    try:
        amount_fen = fen_of(draft.amount)
    except AmountRefused:
        faults["amount"] = t("sale.amount.refused" if draft.amount else "sale.amount.missing")
    if amount_fen == 0:
        # The API takes it: a register may have a reason. Here it is a slip of the finger that costs the member a code.
        faults["amount"] = t("sale.amount.zero")
    if scan_codes.is_payment_code(draft.amount):
        faults["amount"] = t("refused.payment_code.advice")
    if not draft.receipt_no:
        faults["receipt_no"] = t("sale.receipt_no.missing")
    return faults, amount_fen


def paid_by() -> Kind | None:
    """The button that was pressed, None for "what is due". Raises `FieldRefused`."""
    pressed = field("paid_by", 10)
    if not pressed:
        return None
    for kind in TOLD:
        if kind == pressed:
            return kind
    raise FieldRefused


def tender(kind: Kind | None, payable_fen: int) -> list[Tender]:
    """All that is to be paid, in the one way that was pressed; nothing where nothing is."""
    return [Tender(kind=kind, amount_fen=payable_fen)] if kind is not None and payable_fen else []
