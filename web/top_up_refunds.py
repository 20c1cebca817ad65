"""The refund of a top-up as tills and the back office tell it: the arithmetic line by line, in words and in numbers."""

from collections.abc import Iterator
from typing import Any

from marshmallow import fields, validate

from app.checkout.top_up_refund import REASONS, Wanted
from app.checkout.top_up_refund_record import TopUpRefunded
from app.stored_value.policy import LEGAL_MOST_FEN
from app.stored_value.undo import Sum
from app.texts import say, yuan
from web.language import language
from web.schemas import QueryNumber, Strict, whole


class RefundSumArguments(Strict):
    principal_fen = QueryNumber(
        load_default=None,
        validate=validate.Range(1, LEGAL_MOST_FEN),
        metadata={"description": "how much of the unused principal; without it: all of it"},
    )


class RefundSumLineSchema(Strict):
    code = fields.String(
        required=True,
        validate=validate.OneOf(("cooling_off", "unused", "bonus", "ended", "spent", "points", "total")),
    )
    text = fields.String(required=True, metadata={"description": "in the language asked for"})


class RefundSumSchema(Strict):
    top_up_id = fields.String(required=True)
    method = fields.String(
        required=True,
        validate=validate.OneOf(("cash", "card", "wechat_pay")),
        metadata={"description": "as it was paid in, so it goes back"},
    )
    paid_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(
        required=True, metadata={"description": "principal that earlier refunds gave back"}
    )
    unused_fen = fields.Integer(required=True, metadata={"description": "principal"})
    principal_fen = fields.Integer(required=True, metadata={"description": "how much of it goes back"})
    bonus_fen = fields.Integer(required=True, metadata={"description": "unused bonus that is taken back"})
    bonus_spent_fen = fields.Integer(required=True, metadata={"description": "bonus that was spent"})
    bonus_ended_fen = fields.Integer(required=True, metadata={"description": "ended unspent: costs nothing"})
    share_bp = fields.Integer(
        required=True, metadata={"description": "how much of the spent bonus is deducted, in ten-thousandths"}
    )
    deducted_fen = fields.Integer(required=True)
    amount_fen = fields.Integer(
        required=True, metadata={"description": "the money: `principal_fen` less `deducted_fen`"}
    )
    points = fields.Integer(required=True, metadata={"description": "to be taken back"})
    cooling_off = fields.Boolean(
        required=True, metadata={"description": "unused and young: all of it goes back"}
    )
    cooling_off_until = fields.Date(required=True)
    lines = fields.List(fields.Nested(RefundSumLineSchema()), required=True)


def dump_sum(work: Sum) -> dict[str, Any]:
    names = [name for name in RefundSumSchema._declared_fields if name not in ("lines", "bonus_spent_fen")]
    return {name: getattr(work, name) for name in names} | {
        "bonus_spent_fen": work.bonus_charged_fen,
        "lines": [{"code": code, "text": text} for code, text in _lines(work)],
    }


def _lines(work: Sum) -> Iterator[tuple[str, str]]:
    if work.cooling_off:
        yield _line("cooling_off", until=work.cooling_off_until.isoformat())
    yield _line("unused", amount=yuan(work.principal_fen))
    if work.bonus_fen:
        yield _line("bonus", amount=yuan(work.bonus_fen))
    if work.bonus_ended_fen:
        yield _line("ended", amount=yuan(work.bonus_ended_fen))
    if work.bonus_charged_fen:
        share = f"{work.share_bp // 100}.{work.share_bp % 100:02}".removesuffix(".00")
        yield _line("spent", spent=yuan(work.bonus_charged_fen), share=share, amount=yuan(work.deducted_fen))
    if work.points:
        yield _line("points", points=work.points)
    yield _line("total", amount=yuan(work.amount_fen))


def _line(code: str, **values: object) -> tuple[str, str]:
    return code, say(f"top_up_refund.{code}", language(), **values)


class WantedRefundSchema(Strict):
    amount_fen = whole(
        1,
        LEGAL_MOST_FEN,
        required=True,
        metadata={"description": "the money that was shown; refused if it is another by now"},
    )
    principal_fen = whole(
        1,
        LEGAL_MOST_FEN,
        load_default=None,
        allow_none=True,
        metadata={"description": "how much of the unused principal; null: all of it"},
    )
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))


def wanted(arguments: dict[str, Any]) -> Wanted:
    return Wanted(
        amount_fen=arguments["amount_fen"],
        principal_fen=arguments["principal_fen"],
        reason=arguments["reason"],
        refund_no=arguments.get("refund_no"),
        ticket=arguments.get("ticket"),
    )


class TopUpRefundedSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(("done", "asked", "failed", "pending")),
        metadata={"description": "asked: WeChat Pay has not paid yet; pending: a second person must agree"},
    )
    approval_id = fields.String(required=True, allow_none=True)
    refund_no = fields.String(required=True, allow_none=True)
    sum = fields.Nested(RefundSumSchema(), required=True)
    points_taken = fields.Integer(required=True, metadata={"description": "out of the member's account"})
    points_owed = fields.Integer(
        required=True, metadata={"description": "were spent already: the next points pay them"}
    )
    coupons_taken = fields.Integer(
        required=True, metadata={"description": "had come with it, and are gone with their unused uses"}
    )
    coupons_used = fields.Integer(required=True, metadata={"description": "had come with it, and were used"})
    principal_after_fen = fields.Integer(required=True, allow_none=True)
    bonus_after_fen = fields.Integer(required=True, allow_none=True)


def dump_refunded(refunded: TopUpRefunded) -> dict[str, Any]:
    return {
        "id": refunded.refund_id,
        "state": refunded.state,
        "approval_id": refunded.approval_id,
        "refund_no": refunded.refund_no,
        "sum": dump_sum(refunded.sum),
        "points_taken": refunded.points_taken,
        "points_owed": refunded.points_owed,
        "coupons_taken": refunded.coupons_taken,
        "coupons_used": refunded.coupons_used,
        "principal_after_fen": refunded.principal_after_fen,
        "bonus_after_fen": refunded.bonus_after_fen,
    }
