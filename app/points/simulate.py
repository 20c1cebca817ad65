"""What a rule would have changed: past sales replayed with it and without it. Writes nothing."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, text

from app.db import ask, engine, translated
from app.errors import Invalid, NotFound
from app.ids import first_id
from app.points.earn import Earning, earn
from app.points.fitting import MemberFacts, StoreFacts
from app.points.known_names import check_names
from app.points.loaded import STAMP, read
from app.points.rules import Rule, RuleMalformed, RuleSet
from app.points.versions import Draft

MOST_DAYS = 92
MOST_SALES = 100_000
#: A thread of the server serves nobody else meanwhile: the past is replayed as far as it goes in this time.
MOST_S = 10.0
SHOWN = 20
_BATCH = 1_000
#: Nothing was sold outside, and calendars end somewhere.
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
#: This reads more at a time than anybody at a till waits for.
_STATEMENT_TIMEOUT_MS = 30_000


class SimulationTooLarge(Invalid):
    """Data: `most_days`, `most_sales`."""

    code = "simulation_too_large"

    def __init__(self) -> None:
        super().__init__(most_days=MOST_DAYS, most_sales=MOST_SALES)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A sale that would have earned something else."""

    sale_id: str
    store: str
    occurred_at: datetime
    amount_fen: int
    points_before: int
    points_after: int


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """`points_more` and `points_less` are sums over the sales that gain and lose; `sample` are those that change most.

    A member is touched if any sale changes, and gains or loses by the sum of them. Every sale before `covered_until`
    was replayed; `complete` says that this is the whole period.
    """

    complete: bool
    covered_until: datetime
    sales: int
    members_touched: int
    members_gaining: int
    members_losing: int
    points_before: int
    points_after: int
    points_more: int
    points_less: int
    sample: tuple[Changed, ...]


def simulate(
    *, draft: Draft, rule_no: int | None, since: datetime, until: datetime, store_ids: Collection[int] | None
) -> Simulation:
    """Replay the members' sales within `[since, until)`, in these stores unless `store_ids` is None.

    Without the draft each sale earns by the rules as of its moment; with it, as if the draft had held the whole time:
    beside the other rules, or in place of rule `rule_no`. When the draft itself begins and ends is not asked. Daily
    limits count from `since` on. It takes at most `MOST_S`, oldest sales first; the answer says how far it came.

    Raises `SimulationTooLarge`, `NotFound` for an unknown rule, `RuleMalformed` for one of another kind,
    `RuleNamesUnknown`.
    """
    period = period_of(since, until, store_ids)
    with snapshot() as connection:
        check_names(connection, draft.definition.conditions)
        [counted] = ask(connection, _COUNT, {**period, "most": MOST_SALES + 1})
        if counted.sales > MOST_SALES:
            raise SimulationTooLarge
        rules = read(driver_of(connection), ask(connection, f"SELECT {STAMP} AS stamp", {})[0].stamp)
        former, drafted = _Till(rules), _Till(_with(rules, draft, rule_no, since))
        found = _Found()
        deadline = monotonic() + MOST_S
        for row in _sales(connection, period):
            if found.sales and monotonic() >= deadline:
                return found.told(reached(row.occurred_at))
            found.note(row, former.sell(row).points, drafted.sell(row).points)
    return found.told(until, complete=True)


def period_of(since: datetime, until: datetime, store_ids: Collection[int] | None) -> dict[str, object]:
    """The values of `WITHIN`. Raises `SimulationTooLarge`."""
    if not (
        timedelta(0) < until - since <= timedelta(days=MOST_DAYS) and _FIRST_YEAR <= since.year < _LAST_YEAR
    ):
        raise SimulationTooLarge
    return {
        "first": first_id(since),
        "last": first_id(until + timedelta(milliseconds=1)),
        "since": since,
        "until": until,
        "stores": None if store_ids is None else sorted(store_ids),
    }


def reached(occurred_at: datetime) -> datetime:
    """Up to where sales were replayed before this one: they follow each other by ids, which tell milliseconds."""
    return occurred_at.replace(microsecond=occurred_at.microsecond // 1000 * 1000)


#: The members' sales of a period, in some stores or in all of them.
WITHIN = """s.id >= %(first)s AND s.id < %(last)s AND s.occurred_at >= %(since)s AND s.occurred_at < %(until)s
        AND s.member_id IS NOT NULL AND (%(stores)s::bigint[] IS NULL OR s.store_id = ANY(%(stores)s::bigint[]))"""
_COUNT = f"SELECT count(*) AS sales FROM (SELECT FROM sales s WHERE {WITHIN} LIMIT %(most)s) found"  # noqa: S608
_SALES = f"""
    SELECT s.id, s.member_id, s.store_id, s.occurred_at, s.business_date, s.amount_fen, s.tier_code, m.birthday,
        st.code AS store, st.time_zone, (
            SELECT json_agg(json_build_array(l.sku, l.category, l.quantity * l.unit_price_fen - l.discount_fen
                - l.excluded_fen - l.uncredited_fen) ORDER BY l.line_no)::text
            FROM sale_lines l WHERE l.sale_id = s.id) AS lines
    FROM sales s JOIN members m ON m.id = s.member_id JOIN stores st ON st.id = s.store_id
    WHERE {WITHIN} AND s.id > %(after)s ORDER BY s.id LIMIT %(batch)s"""  # noqa: S608  # constants of our own


class _Line(msgspec.Struct, frozen=True, array_like=True):
    sku: str
    category: str
    amount_fen: int


_lines = msgspec.json.Decoder(list[_Line])


@contextmanager
def snapshot() -> Iterator[Connection]:
    """One picture of the books for all batches, that nothing can be written into."""
    with translated(), engine().connect() as connection, connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_TIMEOUT_MS}"))
        try:
            yield connection
        except psycopg.errors.QueryCanceled:
            raise SimulationTooLarge from None


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _with(rules: RuleSet, draft: Draft, rule_no: int | None, since: datetime) -> RuleSet:
    """The rules as if the draft had been there, and newest, from the beginning."""
    others = [rule for rule in rules.versions if rule.rule_no != rule_no]
    former = next((rule for rule in rules.versions if rule.rule_no == rule_no), None)
    if rule_no is not None:
        if former is None:
            raise NotFound
        if (former.definition.kind, former.applies_to) != (draft.definition.kind, draft.applies_to):
            raise RuleMalformed(reason="kind and applies_to of a rule stay: make another rule")
    return RuleSet(
        [
            *others,
            Rule(
                id=max((rule.id for rule in rules.versions), default=0) + 1,
                rule_no=rule_no or max((rule.rule_no for rule in rules.versions), default=0) + 1,
                version=1 if former is None else former.version + 1,
                name_zh=draft.name_zh,
                name_en=draft.name_en,
                applies_to=draft.applies_to,
                definition=draft.definition,
                priority=draft.priority,
                stacking=draft.stacking,
                effective_from=since,
                effective_until=None,
            ),
        ]
    )


def _sales(connection: Connection, period: Mapping[str, object]) -> Iterator[Any]:
    """Oldest first, some at a time."""
    after = ""
    while batch := ask(connection, _SALES, {**period, "after": after, "batch": _BATCH}):
        yield from batch
        after = batch[-1].id


class _Till:
    """Sells the same again under other rules, and remembers what daily limits have given."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._taken: defaultdict[object, dict[int, int]] = defaultdict(dict)

    def sell(self, row: Any) -> Earning:
        rules = self._rules.in_force(row.occurred_at)
        taken = self._taken[row.member_id, row.business_date] if self._rules.limited_by_day else {}
        earning = earn(
            rules=rules,
            lines=_lines.decode(row.lines),
            member=MemberFacts(tier=row.tier_code or "", birthday=row.birthday),
            store=StoreFacts(id=row.store_id, time_zone=row.time_zone),
            at=row.occurred_at,
            taken=taken,
        )
        for count in earning.counts:
            taken[count.rule_no] = taken.get(count.rule_no, 0) + count.points
        return earning


@dataclass
class _Found:
    sales: int = 0
    before: int = 0
    after: int = 0
    more: int = 0
    less: int = 0
    members: dict[int, int] = field(default_factory=dict)
    most: list[tuple[int, str, Changed]] = field(default_factory=list)

    def note(self, row: Any, before: int, after: int) -> None:
        self.sales += 1
        self.before += before
        self.after += after
        change = after - before
        if change == 0:
            return
        self.more += max(0, change)
        self.less += max(0, -change)
        self.members[row.member_id] = self.members.get(row.member_id, 0) + change
        changed = Changed(
            sale_id=row.id,
            store=row.store,
            occurred_at=row.occurred_at,
            amount_fen=row.amount_fen,
            points_before=before,
            points_after=after,
        )
        heapq.heappush(self.most, (abs(change), row.id, changed))
        if len(self.most) > SHOWN:
            heapq.heappop(self.most)

    def told(self, covered_until: datetime, *, complete: bool = False) -> Simulation:
        changes = self.members.values()
        return Simulation(
            complete=complete,
            covered_until=covered_until,
            sales=self.sales,
            members_touched=len(changes),
            members_gaining=sum(change > 0 for change in changes),
            members_losing=sum(change < 0 for change in changes),
            points_before=self.before,
            points_after=self.after,
            points_more=self.more,
            points_less=self.less,
            sample=tuple(changed for *_, changed in sorted(self.most, reverse=True)),
        )
