"""Bills and benefits made up for tests of the pure part, and the best price found the slow way."""

from collections.abc import Sequence
from itertools import chain, combinations

from hypothesis import strategies as st

from app.checkout.bill import Line
from app.discounts.effects import Effect
from app.discounts.pricing import AmountOff, Benefit, FreePieces, PercentOff, PerFull, SpecialPrice
from app.points.rules import Conditions

SKUS, CATEGORIES = ("TEA", "CUP", "CAKE"), ("drinks", "food")


def line(amount_fen: int, sku: str = "", category: str = "", quantity: int = 1) -> Line:
    """`quantity` pieces of `amount_fen` each."""
    return Line(sku=sku, name="", quantity=quantity, unit_price_fen=amount_fen, category=category)


def benefit(
    key: str,
    effect: Effect,
    *,
    products: Sequence[str] = (),
    categories: Sequence[str] = (),
    at_least_fen: int = 0,
    at_least_pieces: int = 0,
    group: str = "",
    alone: bool = False,
    priority: int = 0,
    refusal: str = "",
    worth_fen: int = 0,
) -> Benefit:
    conditions = Conditions(products=frozenset(products) or None, categories=frozenset(categories) or None)
    return Benefit(
        key=key,
        name_zh=f"优惠{key}",
        name_en=f"Benefit {key}",
        effect=effect,
        conditions=conditions,
        at_least_fen=at_least_fen,
        at_least_pieces=at_least_pieces,
        group=group,
        alone=alone,
        priority=priority,
        refusal=refusal,
        worth_fen=worth_fen,
    )


def percent(key: str, percent_bp: int, **options: object) -> Benefit:
    return benefit(key, PercentOff(percent_bp=percent_bp), **options)  # type: ignore[arg-type]


def amount(key: str, off_fen: int, **options: object) -> Benefit:
    return benefit(key, AmountOff(off_fen=off_fen), **options)  # type: ignore[arg-type]


def dearest(lines: Sequence[Line], benefits: Sequence[Benefit]) -> tuple[int, int]:
    """The most off of all combinations, each applied as the rules say, and by how few benefits."""
    ordered = sorted(benefits, key=lambda one: (-one.priority, one.key))
    sets = chain.from_iterable(combinations(ordered, size) for size in range(len(ordered) + 1))
    off_fen, few = max((off, -len(some)) for some in sets if (off := _off(lines, some)) is not None)
    return off_fen, -few


def _off(lines: Sequence[Line], benefits: Sequence[Benefit]) -> int | None:
    """What these take off in this order; None if they do not go together or one takes off nothing, or too little."""
    groups = [one.group for one in benefits if one.group]
    if len(groups) != len(set(groups)) or (len(benefits) > 1 and any(one.alone for one in benefits)):
        return None
    nets = [one.amount_fen for one in lines]
    for one in benefits:
        off = _shares(one, lines, nets)
        if sum(off) < max(1, one.worth_fen):
            return None
        nets = [net - part for net, part in zip(nets, off, strict=True)]
    return sum(one.amount_fen for one in lines) - sum(nets)


def _shares(one: Benefit, lines: Sequence[Line], nets: Sequence[int]) -> list[int]:
    asked, effect = one.conditions, one.effect
    mine = [
        (asked.products is None or x.sku in asked.products)
        and (asked.categories is None or x.category in asked.categories)
        for x in lines
    ]
    costs = sum(net for net, own in zip(nets, mine, strict=True) if own)
    pieces = sum(x.quantity for x, own in zip(lines, mine, strict=True) if own)
    if not costs or costs < one.at_least_fen or pieces < one.at_least_pieces:
        return [0] * len(lines)
    if isinstance(effect, SpecialPrice):
        return [
            max(0, net - effect.price_fen * x.quantity) if own else 0
            for x, net, own in zip(lines, nets, mine, strict=True)
        ]
    if isinstance(effect, FreePieces):
        pieces = sorted(
            (-(nets[n] // x.quantity), n) for n, x in enumerate(lines) if mine[n] for _ in range(x.quantity)
        )
        free = [n for _, n in pieces[: effect.pieces]]
        return [free.count(n) * (nets[n] // x.quantity) for n, x in enumerate(lines)]
    if isinstance(effect, PercentOff):
        off = costs * effect.percent_bp // 10_000
        off = off if effect.most_fen is None else min(off, effect.most_fen)
    elif isinstance(effect, AmountOff):
        off = effect.off_fen
    else:
        times = costs // effect.every_fen
        off = effect.off_fen * (times if effect.most_times is None else min(times, effect.most_times))
    off = min(off, costs)
    shares = [off * net // costs if own else 0 for net, own in zip(nets, mine, strict=True)]
    rests = sorted((-(off * nets[n] % costs), n) for n in range(len(nets)) if mine[n])
    for _, place in rests[: off - sum(shares)]:
        shares[place] += 1
    return shares


def bills() -> st.SearchStrategy[list[Line]]:
    one = st.builds(
        line,
        st.one_of(st.integers(0, 60), st.integers(100, 30_000)),
        st.sampled_from(SKUS),
        st.sampled_from(CATEGORIES),
        st.integers(1, 3),
    )
    return st.lists(one, min_size=1, max_size=6)


def effects() -> st.SearchStrategy[Effect]:
    some = st.one_of(st.integers(1, 50), st.integers(1, 20_000))
    return st.one_of(
        st.builds(PercentOff, percent_bp=st.integers(1, 10_000), most_fen=st.none() | some),
        st.builds(AmountOff, off_fen=some),
        st.builds(PerFull, every_fen=some, off_fen=some, most_times=st.none() | st.integers(1, 3)),
        st.builds(SpecialPrice, price_fen=st.integers(0, 10_000)),
        st.builds(FreePieces, pieces=st.integers(1, 4)),
    )


def offered(most: int) -> st.SearchStrategy[list[Benefit]]:
    """Up to `most` benefits, each with a key of its own."""
    one = st.fixed_dictionaries(
        {
            "effect": effects(),
            "products": st.just(()) | st.lists(st.sampled_from(SKUS), max_size=2),
            "categories": st.just(()) | st.lists(st.sampled_from(CATEGORIES), max_size=1),
            "at_least_fen": st.just(0) | st.integers(1, 40_000),
            "at_least_pieces": st.sampled_from((0, 0, 0, 2, 5)),
            "group": st.sampled_from(("", "", "", "a", "b")),
            "alone": st.sampled_from((False, False, False, True)),
            "priority": st.integers(0, 2),
            "worth_fen": st.sampled_from((0, 0)) | st.integers(1, 10_000),
        }
    )
    return st.lists(one, max_size=most).map(
        lambda found: [benefit(f"b{n}", **options) for n, options in enumerate(found)]
    )
