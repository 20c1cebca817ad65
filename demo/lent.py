"""A month that two shops have to settle: stored value taken in by one of them, and spent in the other."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from app.audit import OPERATOR
from app.checkout.bill import Line
from app.settlement import close, draft
from demo.history import OLD_MEMBER

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_PAID_FEN = 10_000
_BOUGHT = Line(sku="QH010", name="龙井礼盒", category="礼品", quantity=1, unit_price_fen=16_800)


class Past(Protocol):
    """What the story of the demo can do (demo/seed.py)."""

    def pay_in(self, wechat: str, till_name: str, *, amount_fen: int, at: datetime) -> None: ...
    def spend(self, wechat: str, till_name: str, *, line: Line, balance_fen: int, at: datetime) -> None: ...


@dataclass
class Month:
    """Last month, as the story comes to it: paid in on the 10th, spent on the 12th."""

    now: datetime
    told: int = 0

    def reach(self, past: Past, at: datetime) -> None:
        """Whatever of it came before that moment, in its turn."""
        paid, spent = self._noon(10), self._noon(12)
        if self.told == 0 and at > paid:
            past.pay_in(OLD_MEMBER, "S001/T1", amount_fen=_PAID_FEN, at=paid)
            self.told = 1
        if self.told == 1 and at > spent:
            past.spend(OLD_MEMBER, "S002/T1", line=_BOUGHT, balance_fen=_PAID_FEN, at=spent)
            self.told = 2

    def settle(self, staff_id: int) -> None:
        """Close it: S001 owes S002 what was spent there."""
        made = draft.create(until=self._first(), actor=OPERATOR, now=self.now)
        close.close(settlement_no=made.settlement_no, version=made.version, staff_id=staff_id, now=self.now)

    def _first(self) -> date:
        return self.now.astimezone(_SHANGHAI).date().replace(day=1)

    def _noon(self, day: int) -> datetime:
        month = (self._first() - timedelta(days=1)).replace(day=day)
        return datetime.combine(month, time(12), _SHANGHAI)
