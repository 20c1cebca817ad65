"""What a rule of discount would have taken off: past sales priced with it and without it. Writes nothing.

Bounds and the picture of the books are those of app/points/simulate.py.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import msgspec
from sqlalchemy import Connection

from app.db import ask
from app.discounts.change import Draft
from app.discounts.effects import MOST_FEN
from app.discounts.loaded import STAMP, DiscountSet, discounts_at
from app.discounts.offered import benefits_of
from app.discounts.pricing import best
from app.discounts.rules import DiscountRule
from app.errors import NotFound
from app.points import simulate as past
from app.points.fitting import MemberFacts, StoreFacts
from app.points.known_names import check_names

SHOWN = 20
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A sale for which something else would have been taken off."""

    sale_id: str
    store: str
    occurred_at: datetime
    goods_fen: int
    off_before_fen: int
    off_after_fen: int


@dataclass(frozen=True, kw_only=True)
class StoreChange:
    """What a store's sales come to; `changed` of its `sales` are other than before."""

    store: str
    sales: int
    changed: int
    off_before_fen: int
    off_after_fen: int


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """`off_more_fen` and `off_less_fen` are sums over the sales that get more and less; the sample changes most.

    Every sale before `covered_until` was priced; `complete` says that this is the whole period.
    """

    complete: bool
    covered_until: datetime
    sales: int
    members_touched: int
    off_before_fen: int
    off_after_fen: int
    off_more_fen: int
    off_less_fen: int
    stores: tuple[StoreChange, ...]
    sample: tuple[Changed, ...]


def simulate(
    *, draft: Draft, rule_no: int | None, since: datetime, until: datetime, store_ids: Collection[int] | None
) -> Simulation:
    """Price the goods of the members' sales within `[since, until)` anew, in these stores unless `store_ids` is None.

    Without the draft by the rules as of each sale's moment; with it, as if the draft had held the whole time: beside
    the other rules, or in place of rule `rule_no`. What was really taken off, by coupons say, is not asked, nor what
    stored value the member held. It takes at most `past.MOST_S`, oldest sales first.

    Raises `SimulationTooLarge`, `NotFound` for an unknown rule, `RuleNamesUnknown`.
    """
    period = past.period_of(since, until, store_ids)
    with past.snapshot() as connection:
        check_names(connection, draft.definition.conditions)
        [counted] = ask(connection, _COUNT, {**period, "most": past.MOST_SALES + 1})
        if counted.sales > past.MOST_SALES:
            raise past.SimulationTooLarge
        stamp = ask(connection, f"SELECT {STAMP} AS stamp", {})[0].stamp
        rules = discounts_at(past.driver_of(connection), stamp)
        drafted = _with(rules, draft, rule_no, since)
        found, deadline = _Found(), monotonic() + past.MOST_S
        for row in _sales(connection, period):
            if found.sales and monotonic() >= deadline:
                return found.told(past.reached(row.occurred_at))
            found.note(row, _off(rules, row), _off(drafted, row))
    return found.told(until, complete=True)


_COUNT = f"SELECT count(*) AS sales FROM (SELECT FROM sales s WHERE {past.WITHIN} LIMIT %(most)s) found"  # noqa: S608
_SALES = f"""
    SELECT s.id, s.member_id, s.store_id, s.occurred_at, s.tier_code, m.birthday, st.code AS store, st.time_zone, (
        SELECT json_agg(json_build_array(l.sku, l.category, l.quantity, l.quantity * l.unit_price_fen)
            ORDER BY l.line_no)::text FROM sale_lines l WHERE l.sale_id = s.id) AS lines
    FROM sales s JOIN members m ON m.id = s.member_id JOIN stores st ON st.id = s.store_id
    WHERE {past.WITHIN} AND s.id > %(after)s ORDER BY s.id LIMIT %(batch)s"""  # noqa: S608  # constants of our own


class _Line(msgspec.Struct, frozen=True, array_like=True):
    sku: str
    category: str
    quantity: int
    amount_fen: int


_lines = msgspec.json.Decoder(list[_Line])


def _sales(connection: Connection, period: Mapping[str, object]) -> Iterator[Any]:
    """Oldest first, some at a time."""
    after = ""
    while batch := ask(connection, _SALES, {**period, "after": after, "batch": _BATCH}):
        yield from batch
        after = batch[-1].id


def _with(rules: DiscountSet, draft: Draft, rule_no: int | None, since: datetime) -> DiscountSet:
    """The rules as if the draft had been there, and newest, from the beginning."""
    former = [rule for rule in rules.versions if rule.rule_no == rule_no]
    if rule_no is not None and not former:
        raise NotFound
    newest = DiscountRule(
        id=max((rule.id for rule in rules.versions), default=0) + 1,
        rule_no=rule_no or max((rule.rule_no for rule in rules.versions), default=0) + 1,
        version=max((rule.version for rule in former), default=0) + 1,
        name_zh=draft.name_zh,
        name_en=draft.name_en,
        definition=draft.definition,
        priority=draft.priority,
        group=draft.group,
        alone=draft.alone,
        effective_from=since,
        effective_until=None,
    )
    return DiscountSet([*(rule for rule in rules.versions if rule.rule_no != rule_no), newest])


def _off(rules: DiscountSet, row: Any) -> int:
    """What these rules take off the goods of that sale."""
    member = MemberFacts(tier=row.tier_code or "", birthday=row.birthday)
    store = StoreFacts(id=row.store_id, time_zone=row.time_zone)
    held = rules.in_force(row.occurred_at)
    benefits = benefits_of(held, member, store, row.occurred_at, balance_fen=MOST_FEN)
    return best(_lines.decode(row.lines), benefits).discount_fen


@dataclass
class _Store:
    sales: int = 0
    changed: int = 0
    before: int = 0
    after: int = 0


@dataclass
class _Found:
    sales: int = 0
    more: int = 0
    less: int = 0
    members: set[int] = field(default_factory=set)
    stores: dict[str, _Store] = field(default_factory=dict)
    most: list[tuple[int, str, Changed]] = field(default_factory=list)

    def note(self, row: Any, before: int, after: int) -> None:
        self.sales += 1
        store = self.stores.setdefault(row.store, _Store())
        store.sales += 1
        store.before += before
        store.after += after
        change = after - before
        if change == 0:
            return
        store.changed += 1
        self.more += max(0, change)
        self.less += max(0, -change)
        self.members.add(row.member_id)
        changed = Changed(
            sale_id=row.id,
            store=row.store,
            occurred_at=row.occurred_at,
            goods_fen=sum(line.amount_fen for line in _lines.decode(row.lines)),
            off_before_fen=before,
            off_after_fen=after,
        )
        heapq.heappush(self.most, (abs(change), row.id, changed))
        if len(self.most) > SHOWN:
            heapq.heappop(self.most)

    def told(self, covered_until: datetime, *, complete: bool = False) -> Simulation:
        return Simulation(
            complete=complete,
            covered_until=covered_until,
            sales=self.sales,
            members_touched=len(self.members),
            off_before_fen=sum(one.before for one in self.stores.values()),
            off_after_fen=sum(one.after for one in self.stores.values()),
            off_more_fen=self.more,
            off_less_fen=self.less,
            stores=tuple(
                StoreChange(
                    store=code,
                    sales=one.sales,
                    changed=one.changed,
                    off_before_fen=one.before,
                    off_after_fen=one.after,
                )
                for code, one in sorted(self.stores.items())
            ),
            sample=tuple(changed for *_, changed in sorted(self.most, reverse=True)),
        )
