"""Paying with points: never more than there is, is wanted, or may be; to the fen, and no point for nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.points.pay import PointsPaymentPolicy, PointsUse, use

MOST_FEN = 1_000_000_000

POLICIES = st.builds(
    PointsPaymentPolicy,
    points_per_yuan=st.one_of(st.sampled_from([1, 3, 99, 100, 101, 1_000]), st.integers(1, 1_000_000)),
    least_points=st.one_of(st.just(0), st.integers(0, 1_000)),
    step_points=st.one_of(st.just(1), st.integers(1, 500)),
    most_share_bp=st.one_of(st.just(10_000), st.integers(0, 10_000)),
)
SOME = st.one_of(st.integers(0, 300), st.integers(0, MOST_FEN))


@given(policy=POLICIES, wanted=SOME, have=SOME, bill_fen=SOME)
def test_points_pay_what_they_are_worth_within_every_bound(
    policy: PointsPaymentPolicy, wanted: int, have: int, bill_fen: int
) -> None:
    found = use(policy, wanted=wanted, have=have, bill_fen=bill_fen)
    assert policy.points_per_yuan is not None
    assert 0 <= found.points <= min(wanted, have)
    assert found.points <= found.most_points <= have
    assert found.fen * 10_000 <= bill_fen * policy.most_share_bp
    # Worth that, and a step less would be worth less: no point is taken for nothing.
    assert found.fen == found.points * 100 // policy.points_per_yuan
    if not found.points:
        assert found.fen == 0
        return
    assert found.fen > 0
    assert found.points % policy.step_points == 0
    assert found.points >= policy.least_points
    fewer = found.points - policy.step_points
    assert fewer * 100 // policy.points_per_yuan < found.fen


@given(policy=POLICIES, have=st.integers(0, 400), bill_fen=st.integers(0, 400), wanted=st.integers(0, 400))
def test_no_number_of_points_that_is_allowed_pays_more(
    policy: PointsPaymentPolicy, have: int, bill_fen: int, wanted: int
) -> None:
    assert policy.points_per_yuan is not None
    best_fen = 0
    for points in range(0, min(wanted, have) + 1, policy.step_points):
        fen = points * 100 // policy.points_per_yuan
        needed = -(-fen * policy.points_per_yuan // 100)
        if fen * 10_000 <= bill_fen * policy.most_share_bp and needed >= policy.least_points:
            best_fen = fen
    assert use(policy, wanted=wanted, have=have, bill_fen=bill_fen).fen >= best_fen


@pytest.mark.parametrize(
    ("policy", "wanted", "have", "bill_fen", "found"),
    [
        ({}, 500, 500, 1_000, (500, 500, "used")),
        ({}, 0, 500, 1_000, (0, 0, "none")),
        ({}, 500, 300, 1_000, (300, 300, "not_enough")),
        ({"most_share_bp": 2_500}, 500, 500, 1_000, (250, 250, "share")),
        ({"least_points": 600}, 500, 900, 1_000, (0, 0, "least")),
        ({"step_points": 200}, 500, 500, 1_000, (400, 400, "step")),
        ({"points_per_yuan": 1_000}, 19, 500, 1_000, (10, 1, "step")),
        ({"points_per_yuan": None}, 19, 500, 1_000, (0, 0, "off")),
        # The whole bill, to its last fen.
        ({"points_per_yuan": 1_000}, 99_999, 99_999, 1_234, (12_340, 1_234, "share")),
    ],
)
def test_why_it_is_not_more(
    policy: dict[str, Any], wanted: int, have: int, bill_fen: int, found: tuple[int, int, str]
) -> None:
    given_use: PointsUse = use(
        PointsPaymentPolicy(**{"points_per_yuan": 100, **policy}), wanted=wanted, have=have, bill_fen=bill_fen
    )
    assert (given_use.points, given_use.fen, given_use.reason) == found
