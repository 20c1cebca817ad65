"""What of each tender goes back: in proportion, whatever the steps, nothing twice, the last time all that is left."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkout.tenders import Tender, TendersDoNotSum, given_back, told

KINDS = ("cash", "card", "wechat_pay", "alipay", "other", "points", "principal", "bonus")


@st.composite
def paid(draw: st.DrawFn) -> list[Tender]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6, unique=True))
    amounts = st.one_of(st.integers(1, 9), st.integers(1, 1_000_000_000))
    return [
        Tender(kind=kind, amount_fen=draw(amounts), points=draw(amounts) if kind == "points" else 0)  # type: ignore[arg-type]
        for kind in kinds
    ]


@given(paid=paid(), data=st.data())
def test_any_split_of_refunds_gives_back_every_tender_whole(paid: list[Tender], data: st.DataObject) -> None:
    total = sum(tender.amount_fen for tender in paid)
    stops = sorted({*data.draw(st.lists(st.integers(0, total), max_size=8)), total})
    fen: Counter[str] = Counter()
    points: Counter[str] = Counter()
    before = 0
    for stop in stops:
        parts = given_back(paid, before_fen=before, after_fen=stop)
        assert sum(part.amount_fen for part in parts) == stop - before
        assert all(part.amount_fen >= 0 and part.points >= 0 for part in parts)
        for part in parts:
            fen[part.kind] += part.amount_fen
            points[part.kind] += part.points
        # As if it had gone back in one step: what comes next does not depend on the steps.
        at_once = {part.kind: part for part in given_back(paid, before_fen=0, after_fen=stop)}
        for tender in paid:
            part = at_once.get(tender.kind, Tender(kind=tender.kind, amount_fen=0))
            assert (fen[tender.kind], points[tender.kind]) == (part.amount_fen, part.points)
            assert fen[tender.kind] <= tender.amount_fen
            # Never more points than the fen they paid have taken.
            assert points[tender.kind] * tender.amount_fen <= tender.points * fen[tender.kind]
            # In proportion: no tender is more than the fen of each tender before it away from its share.
            assert abs(fen[tender.kind] * total - tender.amount_fen * stop) <= len(paid) * total
        before = stop
    assert fen == Counter({tender.kind: tender.amount_fen for tender in paid})
    assert +points == +Counter({tender.kind: tender.points for tender in paid})
    assert given_back(paid, before_fen=total, after_fen=total) == ()


@given(amount=st.integers(1, 500), cash=st.integers(1, 500), steps=st.integers(1, 40))
def test_points_do_not_become_cash_however_small_the_steps(amount: int, cash: int, steps: int) -> None:
    """Complaint: who pays with points and sends goods back bit by bit gets money for points."""
    paid = [Tender(kind="points", amount_fen=amount, points=7 * amount), Tender(kind="cash", amount_fen=cash)]
    total, back = amount + cash, Counter[str]()
    for step in range(steps):
        parts = given_back(paid, before_fen=total * step // steps, after_fen=total * (step + 1) // steps)
        for part in parts:
            back[part.kind] += part.amount_fen
        # At no moment is more of the cash back than its share, but for the fen that points are rounded down by.
        done = total * (step + 1) // steps
        assert back["cash"] <= cash * done // total + 1
    assert back == Counter(points=amount, cash=cash)


def test_what_a_till_took_in_is_summed_by_kind() -> None:
    cash = Tender(kind="cash", amount_fen=300)
    assert told([cash, cash], 600) == (Tender(kind="cash", amount_fen=600),)
    assert told([], 600) == (Tender(kind="other", amount_fen=600),)
    assert told([], 0) == ()


@pytest.mark.parametrize("payable_fen", [0, 299, 301])
def test_what_a_till_took_in_comes_to_what_is_to_be_paid(payable_fen: int) -> None:
    with pytest.raises(TendersDoNotSum):
        told([Tender(kind="cash", amount_fen=300)], payable_fen)
