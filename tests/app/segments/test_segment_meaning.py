"""Whatever a rule says, the database finds those whom plain Python finds."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.segments.fields.field import Field
from app.segments.fields.registry import FIELDS
from tests.app.segments.meaning import meant
from tests.app.segments.test_segment_fields import World, found
from tests.app.segments.world import (
    CAMPAIGNS,
    LISTS,
    NOW,
    STORES,
    TEMPLATES,
    TIERS,
    TODAY,
    Coupon,
    Person,
    Sale,
    Told,
    days,
)
from tests.seeds import examples

SKUS, CATEGORIES, TAGS, PLATFORMS = ("A", "B"), ("tea", "cake"), ("vip", "new"), ("wechat_mini", "telegram")
WORDS = {
    "language": ("zh", "en"),
    "platform": PLATFORMS,
    "home_store": STORES,
    "bought_in_stores": STORES,
    "tier": TIERS,
    "bought_products": SKUS,
    "may_like": (*SKUS, "C"),
    "bought_categories": CATEGORIES,
    "holds_coupons_of": TEMPLATES,
    "used_coupons_of": TEMPLATES,
    "tags": TAGS,
    "lists": LISTS,
    "told_by_campaigns": CAMPAIGNS,
    "opened_campaigns": CAMPAIGNS,
    "churn_risk": ("unknown", "steady", "at_risk", "lost"),
}
#: About as large as what there is of it, so that bounds are met.
SIZES = {"fen": 3_000, "days": 60, "number": 4}
_ago = st.integers(0, 60)
_moment = st.builds(lambda hours: NOW - timedelta(hours=hours), st.integers(-40 * 24, 60 * 24))
_past = st.builds(lambda hours: NOW - timedelta(hours=hours), st.integers(0, 60 * 24))


def some(choices: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(choices), unique=True, max_size=2)


_goods = st.tuples(st.sampled_from(SKUS), st.sampled_from(CATEGORIES), st.just(2), st.integers(0, 2))
_sales = st.builds(
    lambda ago, fen, store, back, goods: Sale(TODAY - days(ago), fen, store, min(back, fen), goods),
    _ago, st.integers(0, 2_000), st.sampled_from(STORES), st.sampled_from([0, 0, 0, 500, 2_000]),
    st.lists(_goods, max_size=2),
)  # fmt: skip
_coupons = st.builds(
    lambda template, state, until, used_at, undone: Coupon(
        template, state, until, used_at if state == "used" or undone else None, undone and state != "used"
    ),
    st.sampled_from(TEMPLATES), st.sampled_from(["held", "used", "void"]), _moment, _past, st.booleans(),
)  # fmt: skip
_told = st.lists(
    st.builds(
        Told, st.sampled_from(CAMPAIGNS), _past, st.sampled_from(["sent", "failed", "pending", "cancelled"]),
        st.none() | _past, st.none() | _past,
    ),
    max_size=2, unique_by=lambda told: told.campaign,
)  # fmt: skip
_people = st.builds(
    Person,
    language=st.sampled_from(["zh", "en"]),
    tier=st.sampled_from(TIERS),
    birthday=st.none() | st.dates(date(1950, 1, 1), date(2012, 1, 1)) | st.just(date(1996, 2, 29)),
    opted_out=st.booleans(),
    unpersonalised=st.booleans(),
    phone=st.booleans(),
    home=st.none() | st.sampled_from(STORES),
    status=st.sampled_from(["active"] * 6 + ["closed", "withdrawn", "frozen"]),
    joined_at=_past,
    platforms=some(PLATFORMS),
    points=st.none() | st.integers(0, 5),
    principal=st.none() | st.integers(0, 3_000),
    bonus=st.none() | st.integers(0, 3_000),
    sales=st.lists(_sales, max_size=5),
    coupons=st.lists(_coupons, max_size=3),
    inbox=st.lists(st.tuples(_past, st.none() | _past), max_size=3),
    told=_told,
    tags=some(TAGS),
    lists=some(LISTS),
    brought=st.lists(st.tuples(st.sampled_from(["rewarded", "pending"]), _past), max_size=3),
    was_brought=st.booleans(),
)
# Lots hang on the account of points.
people = st.lists(
    st.builds(
        lambda one, lots: one if one.points is None else Person(**{**vars(one), "lots": lots}),
        _people,
        st.lists(st.tuples(st.integers(0, 3), st.none() | _moment), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    field: Field = draw(st.sampled_from(list(FIELDS.values())))
    op = draw(st.sampled_from(field.ops))
    asked: dict[str, Any] = {"field": field.name, "op": op, "value": draw(values(field, op))}
    if field.needs_days or (field.windowed and draw(st.booleans())):
        asked["days"] = draw(_ago)
    return asked


def values(field: Field, op: str) -> st.SearchStrategy[Any]:
    match field.kind:
        case "flag":
            return st.booleans()
        case "months":
            return st.lists(st.integers(1, 12), min_size=1, max_size=6)
        case "words":
            return st.lists(st.sampled_from(WORDS[field.name]), min_size=1, max_size=3)
    number = st.integers(0, 75 if field.name == "age" else SIZES[field.kind])
    return st.tuples(number, number).map(sorted) if op == "between" else number


rules = st.recursive(
    conditions(),
    lambda below: st.one_of(
        st.builds(lambda of: {"all": of}, st.lists(below, min_size=1, max_size=3)),
        st.builds(lambda of: {"any": of}, st.lists(below, min_size=1, max_size=3)),
        st.builds(lambda of: {"not": of}, below),
    ),
    max_leaves=6,
).filter(lambda rule: depth(rule) <= 6)


def depth(rule: Any) -> int:
    if isinstance(rule, list):
        return max(map(depth, rule), default=0)
    below = [rule[name] for name in ("all", "any", "not") if name in rule]
    return 1 + depth(below[0]) if below else 0


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    there=people,
    asked=st.lists(rules, min_size=1, max_size=4),
    ids=st.sampled_from((None, None, range(2), range(2, 2**63 - 1))),
)
@example(
    there=[Person()],
    asked=[{"not": {"field": "last_purchase_days", "op": "at_least", "value": 1}}],
    ids=None,
)
def test_the_database_means_whom_plain_python_means(
    world: World, there: list[Person], asked: list[dict[str, Any]], ids: range | None
) -> None:
    world(there)
    for rule in asked:
        wanted = {number for number in meant(rule, there) if ids is None or number in ids}
        assert found(rule, ids=ids) == wanted, rule
