"""What the conditions of one rule need to know about each member, gathered table by table.

However many conditions ask about purchases, the purchases are read once: each condition adds a figure to one grouped
subquery, which the members are joined with. So a rule costs what its tables cost, however it nests, and nothing hangs
on the planner guessing how many members a condition leaves.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    column,
    func,
    literal,
    or_,
    select,
)

from app.clock import HOME_ZONE, business_date, start_of_day


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Rows that belong to members: what is summed up of `rows`, by `member_id`.

    `single`: a member has one at most, so that its columns are figures as they stand.
    """

    name: str
    rows: FromClause
    member_id: SQLColumnExpression[Any]
    where: tuple[ColumnElement[bool], ...] = ()
    single: bool = False


@dataclass(frozen=True)
class _Figure:
    label: str
    aggregate: Any
    where: ColumnElement[bool] | None


@dataclass
class Gathering:
    """For one moment: `now`. Days are those of the chain's calendar.

    `ids` are those of the members who are asked about: each source is narrowed to them, so that two connections share
    the work. None: all of them.
    """

    now: datetime
    ids: range | None = None
    _asked: dict[Source, list[_Figure]] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Of how many sources so far."""
        return len(self._asked)

    @property
    def today(self) -> date:
        return business_date(self.now, HOME_ZONE)

    def day(self, days_ago: int) -> date:
        """The day so many days ago."""
        return self.today - timedelta(days=days_ago)

    def begins(self, days_ago: int) -> datetime:
        """The instant at which that day begins; of days to come with a number below nothing."""
        return start_of_day(self.day(days_ago), HOME_ZONE)

    def figure(
        self, source: Source, aggregate: Any, where: ColumnElement[bool] | None = None
    ) -> ColumnElement[Any]:
        """What the aggregate comes to over the member's rows that fit `where`; NULL of a member who has no rows.

        Of a `single` source it is a column, and there is no `where`.
        """
        assert where is None or not source.single
        figures = self._asked.setdefault(source, [])
        label = f"{source.name}_{len(figures)}"
        figures.append(_Figure(label, aggregate, where))
        return column(label)

    def count(self, source: Source, where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
        return self.figure(source, func.count(), where)

    def joined(self, members: FromClause, member_id: SQLColumnExpression[Any]) -> FromClause:
        """The members with all the figures that were asked for."""
        for source, figures in self._asked.items():
            rows = _grouped(source, figures, self.among_these(source.member_id))
            grouped = rows.subquery(f"of_{source.name}")
            members = members.outerjoin(grouped, grouped.c.member_id == member_id)
        return members

    def among_these(self, member_id: SQLColumnExpression[Any]) -> tuple[ColumnElement[bool], ...]:
        if self.ids is None:
            return ()
        # As figures in the text: of parameters the planner might expect a two-hundredth of all rows.
        first, end = (literal(id_, literal_execute=True) for id_ in (self.ids.start, self.ids.stop))
        return (member_id >= first, member_id < end)


def _grouped(source: Source, figures: list[_Figure], these: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    """One pass over the source. What no figure asks for is not read: with a single one its filter is all there is."""
    filters = [one.where for one in figures if one.where is not None]
    alone = len(figures) == 1
    columns = [
        (one.aggregate if one.where is None or alone else one.aggregate.filter(one.where)).label(one.label)
        for one in figures
    ]
    grouped = select(source.member_id.label("member_id"), *columns).select_from(source.rows)
    if source.single:
        return grouped.where(*source.where, *these)
    narrowed = [or_(*filters)] if filters and len(filters) == len(figures) else []
    return grouped.where(*source.where, *these, *narrowed).group_by(source.member_id)
