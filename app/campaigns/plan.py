"""Planning a running campaign: some thousand members a transaction, by as many workers as there are.

Each batch takes members who wait and whom nobody else has taken, plans for those who may be told, and writes down what
became of each, together. So a killed worker leaves them waiting, and none is planned for twice.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.campaigns.begin import begin
from app.campaigns.campaign import shared
from app.campaigns.forecast import telling_of
from app.campaigns.giving import Giving
from app.campaigns.halt import call_back_all
from app.campaigns.models import Campaign
from app.campaigns.picked import is_picked, refused_since
from app.campaigns.telling import tell_each
from app.campaigns.wording import names_product
from app.db import Busy, is_lost, reading, transaction
from app.errors import DomainError
from app.messages.campaign import KIND
from app.messages.may import Verdict, may_each
from app.messages.policy import MessagePolicy
from app.policies import in_force
from app.pruning import always

log = logging.getLogger(__name__)

BATCH = 2_000
#: Of a campaign that gives something: a posting takes a millisecond, and tills wait for members who are held.
GIVING_BATCH = 250
#: Of one that names a product: to pick one takes half a millisecond, and they are held meanwhile.
PICKING_BATCH = 500

_AT_WORK = text("""
    SELECT id, state FROM campaigns WHERE state = 'running' OR to_call_back OR state = 'scheduled' AND starts_at <= :now
    ORDER BY id""")
# Each of some thousand rows is looked up by itself, whatever the planner believes of tables that grow while it plans:
# where it guesses wrong it reads all members of the campaign, or all messages there are, for each batch.
_ROW_BY_ROW = text(
    "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
)
_TAKE = text("""
    SELECT member_id, arm, given FROM campaign_members
    WHERE campaign_id = :id AND state = 'waiting' AND due_after <= :now
    ORDER BY due_after, member_id LIMIT :most FOR UPDATE SKIP LOCKED""")
_TOLD = text("""
    UPDATE campaign_members c SET state = 'planned', message_id = m.id, told_at = m.due_at,
        message_cost = :price
    FROM messages m WHERE m.id = ANY(CAST(:ids AS text[])) AND c.campaign_id = :id AND c.member_id = m.member_id""")
_DECIDED = text("""
    UPDATE campaign_members c SET state = CASE WHEN d.refused IS NULL THEN 'planned' ELSE 'refused' END,
        refused = d.refused, told_at = CASE WHEN d.refused IS NULL THEN d.told_at END
    FROM unnest(CAST(:member_ids AS bigint[]), CAST(:refused AS text[]), CAST(:told_at AS timestamptz[]))
        AS d (member_id, refused, told_at)
    WHERE c.campaign_id = :id AND c.member_id = d.member_id""")


def plan_due(*, app_id: str | None, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Begin, plan and call back whatever is to be; how many members were decided about."""
    with reading() as connection:
        found = connection.execute(_AT_WORK, {"now": now}).all()
    total = 0
    for row in found:
        if not keep_going():
            break
        try:
            if row.state == "running" or (row.state == "scheduled" and begin(row.id, now=now)):
                total += plan(row.id, app_id=app_id, now=now, keep_going=keep_going)
            else:
                call_back_all(row.id, now=now, keep_going=keep_going)
        except Busy:
            log.warning("campaign %s: busy, the next beat goes on", row.id)
        except Exception as error:
            # What nobody thought of in one campaign keeps no other from its turn; a lost database does.
            if isinstance(error, DomainError) or is_lost(error):
                raise
            log.exception("campaign %s: failed, the next beat tries again", row.id)
    return total


def plan(
    campaign_id: str, *, app_id: str | None, now: datetime, keep_going: Callable[[], bool] = always
) -> int:
    """For whoever waits and is due, as long as it is running; for how many. Safe in several processes at once."""
    total = 0
    while keep_going():
        decided = _batch(campaign_id, app_id, now)
        total += decided
        if not decided:
            break
    return total


def _batch(campaign_id: str, app_id: str | None, now: datetime) -> int:
    with transaction() as session:
        campaign = shared(session, campaign_id)
        if campaign.state != "running":
            return 0
        rows = session.execute(_TAKE, {"id": campaign_id, "now": now, "most": _most(campaign)}).all()
        if not rows:
            return 0
        session.execute(_ROW_BY_ROW)
        had = frozenset(row.member_id for row in rows if row.given)
        version = (campaign.versions or {}).get(campaign.audience_id)
        picked = is_picked(session, campaign.audience_id, version)
        batch = _Batch(session, campaign, app_id, had, now, picked=picked)
        off = refused_since(session, campaign, [row.member_id for row in rows]) if picked else frozenset()
        batch.refuse(off)
        batch.tell([row.member_id for row in rows if row.arm == "told" and row.member_id not in off])
        batch.hold_out([row.member_id for row in rows if row.arm == "held_out" and row.member_id not in off])
        batch.giving.settle()
        return batch.decided


def _most(campaign: Campaign) -> int:
    """How many are planned for at once."""
    picking = PICKING_BATCH if names_product(campaign.content) else BATCH
    return min(BATCH, picking, GIVING_BATCH if campaign.gift else BATCH)


class _Batch:
    """One transaction's worth. Some statements, however many members."""

    def __init__(
        self,
        session: Session,
        campaign: Campaign,
        app_id: str | None,
        had: frozenset[int],
        now: datetime,
        *,
        picked: bool,
    ) -> None:
        self._session, self._campaign, self._now = session, campaign, now
        # Once for the batch: what holds at its beginning holds for all of it.
        self._policy = in_force(session, MessagePolicy).value
        self.giving = Giving(session, campaign, self._policy, had, now)
        self._telling = replace(telling_of(campaign, app_id), content=self.giving.content, picked=picked)
        self.decided = 0

    def tell(self, member_ids: Sequence[int]) -> None:
        """By the first channel that reaches them; those whom none reaches are refused, for what the last one says."""
        campaign = self._campaign
        outcome = tell_each(
            self._session,
            self._telling,
            member_ids,
            kind=KIND,
            subject=f"campaign:{campaign.id}:{campaign.rounds}",
            policy=self._policy,
            now=self._now,
            purse=self.giving,
        )
        for channel, told in outcome.told.items():
            if told:
                values = {"ids": list(told.values()), "price": self.giving.price(channel)}
                self._session.execute(_TOLD, {"id": campaign.id, **values})
                self.decided += len(told)
        # Whose credit came, or went, in this very moment is in no list, and looked at again.
        self._decide([(member_id, refused, None) for member_id, refused in outcome.refused.items()])

    def refuse(self, member_ids: Iterable[int]) -> None:
        """In either arm, those who want nothing made from what they bought."""
        self._decide([(member_id, "opted_out", None) for member_id in sorted(member_ids)])

    def hold_out(self, member_ids: Sequence[int]) -> None:
        """They are looked at as if they were told: only who could have been is compared with who was."""
        left = list(member_ids)
        for place, channel in enumerate(self._telling.channels, start=1):
            found = self._asked(channel, left)
            may = [v.member_id for v in found if v.refused is None]
            without = {} if self.giving.is_free(channel) else self.giving.could_be(channel, may)
            last = place == len(self._telling.channels)
            decided = [(v.member_id, v.refused or without.get(v.member_id), v.tell_at) for v in found]
            self._decide([one for one in decided if last or one[1] is None])
            left = [member_id for member_id, refused, _ in decided if refused is not None]

    def _asked(self, channel: str, member_ids: Sequence[int]) -> list[Verdict]:
        if not member_ids:
            return []
        return may_each(self._session, member_ids, self._telling.asked(channel, self._now), self._policy)

    def _decide(self, decided: Sequence[tuple[int, str | None, datetime | None]]) -> None:
        if not decided:
            return
        self._session.execute(
            _DECIDED,
            {
                "id": self._campaign.id,
                "member_ids": [member_id for member_id, _, _ in decided],
                "refused": [refused for _, refused, _ in decided],
                "told_at": [told_at for _, _, told_at in decided],
            },
        )
        self.decided += len(decided)
