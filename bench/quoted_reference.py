"""What bench/quoted_sale_reference.sql needs: quotes to use up, and the values of the very rows that a sale writes."""

from dataclasses import replace

import msgspec
from sqlalchemy import Engine

from app.checkout.quoted import Priced, Quoted
from app.checkout.record import Recorded
from app.checkout.tenders import Tender
from app.checkout.used_coupons import used_by
from app.points.explain import kept
from bench.coupons import COUPONS
from bench.quotes import COPIES, PURSE, Shelf, copy
from bench.stock import PRICES_FEN, in_bulk

#: The usual bill.
_USUAL = PRICES_FEN.index(5_980)

# Numbered as the script counts: client by client, so that none has to ask for one.
_NUMBER = "(:start + n % :clients * 100000000000 + n / :clients + 1)"
_COUPON = f"'01REFCPN' || {_NUMBER}"
_COUPONS = COUPONS.format(id=_COUPON)
_HELD = COPIES.format(
    id=f"'01REFQTD' || {_NUMBER}",
    terminal="1",
    ticket=f"'quoted-reference-ticket--' || {_NUMBER}",
    kept="1",
    coupon=_COUPON,
)


def hold(engine: Engine, shelf: Shelf, *, run: int, clients: int, count: int) -> None:
    """So many quotes for the run, shared out among the clients, each with a coupon of its own."""
    facts: dict[str, object] = {
        "first": 0,
        "count": count,
        "clients": clients,
        "start": _start(run),
    }
    facts |= {"kept": [shelf.kept[_USUAL].quote_id], "kept_coupons": [shelf.kept_coupons[_USUAL]]}
    with in_bulk(engine) as connection:
        copy(connection, shelf, _COUPONS, _HELD, **facts)


def _start(run: int) -> int:
    return 100_000_000_000_000_000 + run * 100_000_000_000_000


def variables(shelf: Shelf, run: int, clients: int) -> dict[str, object]:
    """`run` keeps the numbers of this one apart."""
    quoted, stock = shelf.kept[_USUAL], shelf.stock
    priced = quoted.priced
    own: dict[str, object] = {
        "n": 0,
        "start": _start(run),
        "clients": clients,
        "first_member": shelf.first_member,
        "buyers": shelf.buyers,
        "first_lot": shelf.first_lot,
        "store": stock.store_id,
        "terminal": stock.terminal_ids[0],
        "rule": stock.rule_id,
        "tier": priced.tier,
        "scope": f"terminal:{stock.terminal_ids[0]}",
        "hash": "\\x" + "00" * 32,
    }
    return own | _amounts(priced) | _documents(shelf, quoted) | _line_values(priced)


def _amounts(priced: Priced) -> dict[str, object]:
    return {
        "amount_fen": priced.amount_fen,
        "discount_fen": priced.discount_fen,
        "earned_points": priced.earning.points,
        "points": priced.points.points,
        "points_fen": priced.points.fen,
        "principal": priced.balance.principal_fen,
        "bonus": priced.balance.bonus_fen,
        "cash_fen": priced.payable_fen,
        "coupon_fen": sum(one.told.discount_fen for one in priced.coupons),
    }


def _documents(shelf: Shelf, quoted: Quoted) -> dict[str, object]:
    """What the product writes as JSON; where a number of this sale stands in it, what is before and after each."""
    priced, points = quoted.priced, quoted.priced.earning.points
    points_after = PURSE["points"] - priced.points.points + points
    recorded = Recorded(
        sale_id="01REFQTD#",
        receipt_no="Q100000000000000001",
        amount_fen=priced.amount_fen,
        points_earned=points,
        points_after=points_after,
        business_date=quoted.created_at.date(),
        occurred_at=quoted.created_at,
        earned=priced.earning.parts,
        discount_fen=priced.discount_fen,
        tenders=(
            Tender(kind="points", amount_fen=priced.points.fen, points=priced.points.points),
            Tender(kind="bonus", amount_fen=priced.balance.bonus_fen),
            Tender(kind="principal", amount_fen=priced.balance.principal_fen),
            Tender(kind="cash", amount_fen=priced.payable_fen),
        ),
        balance_after_fen=PURSE["bonus_fen"] + PURSE["principal_fen"] - priced.balance.amount_fen,
        coupons=tuple(
            replace(one, coupon_id="01REFCPN#", redemption_id="01REFRDM#")
            for one in used_by(priced, quoted.created_at)
        ),
    )
    parts = msgspec.json.encode(recorded).decode().split("#")
    discounts = (
        msgspec.json.encode(priced.discounts).decode().replace(shelf.kept_coupons[_USUAL], "01REFCPN#")
    )
    payload = {
        "store_id": shelf.stock.store_id,
        "amount_fen": priced.amount_fen,
        "points_earned": points,
        "points_after": points_after,
        "pending": 0,
        "balance_after_fen": recorded.balance_after_fen,
    }
    return {
        "earned": kept(priced.earning.parts),
        **{f"discounts_{place}": part for place, part in enumerate(discounts.split("#"))},
        **{f"answer_{place}": part for place, part in enumerate(parts)},
        "payload": msgspec.json.encode(payload).decode(),
    }


def _line_values(priced: Priced) -> dict[str, object]:
    return {
        f"{name}_{place}": value
        for place, line in enumerate(priced.lines, 1)
        for name, value in {
            "sku": line.sku,
            "name": line.name,
            "category": line.category,
            "quantity": line.quantity,
            "price": line.unit_price_fen,
            "points": line.points,
            "off": line.discount_fen,
            "excluded": line.excluded_fen,
        }.items()
    }
