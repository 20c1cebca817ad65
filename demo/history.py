"""Half a year of custom: who joins when, who buys what where. Drawn the same way each time; only the dates move."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = 180
#: The phone of the member of six months.
OLD_MEMBER = "demo"
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN_NAMES = (
    *("伟", "敏", "静", "磊", "洋", "艳", "勇", "娟", "涛", "丽"),
    *("子涵", "欣怡", "浩然", "雨桐", "思远", "佳怡", "俊杰", "晓燕", "志强", "梦瑶"),
    *("文博", "诗涵", "宇轩", "婉清", "建国", "秀英", "明哲", "可欣", "天佑", "若曦"),
)
#: Name and price in fen; the article number is made from the place in the list.
_GOODS = (
    *(
        ("茉莉绿茶", 1_200),
        ("桂花乌龙", 1_500),
        ("杨枝甘露", 2_200),
        ("芋泥波波奶茶", 1_900),
        ("手打柠檬茶", 1_600),
    ),
    *(
        ("黄油可颂", 1_400),
        ("抹茶蛋糕卷", 2_600),
        ("海盐芝士面包", 1_300),
        ("随行杯", 8_900),
        ("龙井礼盒", 16_800),
    ),
)


@dataclass(frozen=True)
class Goods:
    sku: str
    name: str
    category: str
    price_fen: int
    quantity: int


@dataclass(frozen=True)
class Person:
    """`wechat` is the name by which the sandbox knows the phone."""

    wechat: str
    name: str
    birthday: date | None


@dataclass(frozen=True)
class Joins:
    at: datetime
    person: Person


@dataclass(frozen=True)
class Buys:
    at: datetime
    person: Person
    till: str
    goods: tuple[Goods, ...]


def category_of(place: int) -> str:
    """Five drinks, three things to eat, two presents."""
    return "茶饮" if place < 5 else "烘焙" if place < 8 else "礼品"


def events(members: int, tills: list[str], *, now: datetime) -> list[Joins | Buys]:
    """What happened in the `DAYS` before today, oldest first."""
    draw = random.Random("青禾")  # noqa: S311  # a story, not a secret
    found: list[Joins | Buys] = []
    for person in _people(members, draw):
        oldest = person.wechat == OLD_MEMBER
        joined = _opening_hour(now, DAYS if oldest else draw.randint(10, DAYS), draw)
        found.append(Joins(joined, person))
        favourite = draw.choice(tills)
        for _ in range(12 if oldest else draw.randint(1, 12)):
            at = _opening_hour(now, draw.randint(1, max(1, (now - joined).days - 1)), draw)
            till = favourite if draw.random() < 0.8 else draw.choice(tills)
            found.append(Buys(at, person, till, tuple(_basket(draw))))
    return sorted(found, key=lambda event: event.at)


def _people(count: int, draw: random.Random) -> Iterator[Person]:
    names = draw.sample([s + g for s in _SURNAMES for g in _GIVEN_NAMES], count)
    for number, name in enumerate(names, start=1):
        born = date(draw.randint(1960, 2005), draw.randint(1, 12), draw.randint(1, 28))
        yield Person(
            wechat=OLD_MEMBER if number == 1 else f"m{number:02}",
            name=name,
            birthday=born if draw.random() < 0.5 else None,
        )


def _opening_hour(now: datetime, days_ago: int, draw: random.Random) -> datetime:
    """Some second between 9 and 21 o'clock in Shanghai, that many days before today: never in the future."""
    day = now.astimezone(_SHANGHAI).date() - timedelta(days=days_ago)
    opening = datetime.combine(day, time(9), _SHANGHAI)
    return (opening + timedelta(seconds=draw.randrange(12 * 3600))).astimezone(UTC)


def _basket(draw: random.Random) -> Iterator[Goods]:
    # The cheap things far more often than the presents.
    weights = [8, 8, 6, 6, 6, 5, 3, 4, 1, 1]
    chosen = dict.fromkeys(draw.choices(range(len(_GOODS)), weights, k=draw.randint(1, 3)))
    for place in chosen:
        name, price_fen = _GOODS[place]
        yield Goods(f"QH{place + 1:03}", name, category_of(place), price_fen, draw.choice([1, 1, 1, 2]))
