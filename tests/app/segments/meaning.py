"""Who a rule means in a small world, worked out member by member in plain Python: what the SQL is compared with."""

from datetime import date, datetime
from typing import Any

from app.members.profile import age_years
from tests.app.segments.world import NOW, TODAY, TOGETHER, ZONE, Person, begins, days


def meant(rule: dict[str, Any], people: list[Person]) -> set[int]:
    return {number for number, one in enumerate(people, 1) if one.status == "active" and holds(rule, one)}


def holds(rule: dict[str, Any], one: Person) -> bool:
    if "all" in rule:
        return all(holds(part, one) for part in rule["all"])
    if "any" in rule:
        return any(holds(part, one) for part in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], one)
    if rule["field"] == "may_like" and one.unpersonalised:
        return False
    return _compared(known(rule["field"], one, rule.get("days")), rule["op"], rule["value"])


def _compared(found: Any, op: str, value: Any) -> bool:
    match op:
        case "is":
            return bool(found == value)
        case "at_least":
            return found is not None and found >= value
        case "at_most":
            return found is not None and found <= value
        case "between":
            return found is not None and value[0] <= found <= value[1]
        case "any_of":
            return bool(set(value) & found)
        case "none_of":
            return not set(value) & found
        case "all_of":
            return set(value) <= found
    raise AssertionError(op)


def known(name: str, one: Person, last: int | None) -> Any:
    """What the field comes to: a number (None: unknown), a truth, or a set of words."""
    match name:
        case "language":
            return {one.language}
        case "platform":
            return set(one.platforms)
        case "home_store":
            return {one.home} - {None}
        case "tier":
            return {one.tier}
        case "has_phone":
            return one.phone
        case "marketing_opt_out":
            return one.opted_out
        case "joined_days":
            return _days_since(one.joined_at)
        case "age":
            return one.birthday and age_years(one.birthday, TODAY)
        case "birthday_month":
            return {one.birthday.month} if one.birthday else set()
        case "birthday_in_days":
            return None if one.birthday is None else _until_birthday(one.birthday)
        case "tags":
            return set(one.tags)
        case "lists":
            return set(one.lists)
        case "brought":
            return sum(
                state == "rewarded" and (last is None or (at is not None and _days_since(at) <= last))
                for state, at in one.brought
            )
        case "was_brought":
            return one.was_brought
        case "messages_got" | "messages_read" | "told_by_campaigns" | "opened_campaigns":
            return _messages(name, one, last)
    return _value(name, one, last)


def _messages(name: str, one: Person, last: int | None) -> Any:
    def lately(at: datetime | None) -> bool:
        return at is not None and (last is None or _days_since(at) <= last)

    inbox = [*one.inbox, *((told.at, told.read_at) for told in one.told if told.read_at)]
    went_out = [told for told in one.told if told.state in ("sent", "failed", "unknown")]
    match name:
        case "messages_got":
            return sum(lately(created) for created, _ in inbox)
        case "messages_read":
            return sum(lately(read) for _, read in inbox)
        case "told_by_campaigns":
            return {told.campaign for told in went_out if lately(told.at)}
    return {told.campaign for told in went_out if lately(told.read_at) or lately(told.clicked_at)}


def _value(name: str, one: Person, last: int | None) -> Any:
    match name:
        case "points":
            return one.points or 0
        case "stored_value_fen":
            return (one.principal or 0) + (one.bonus or 0)
        case "bonus_fen":
            return one.bonus or 0
        case "points_ending":
            assert last is not None
            return sum(left for left, ends in one.lots if ends and ends > NOW and -_days_since(ends) <= last)
    live = [c for c in one.coupons if c.state == "held" and c.until > NOW]
    used = [
        c
        for c in one.coupons
        if c.used_at and not c.undone and (last is None or _days_since(c.used_at) <= last)
    ]
    match name:
        case "coupons_held":
            return len(live)
        case "holds_coupons_of":
            return {c.template for c in live}
        case "coupons_ending":
            assert last is not None
            return sum(c.until <= begins(TODAY + days(last + 1)) for c in live)
        case "coupons_used":
            return len(used)
        case "used_coupons_of":
            return {c.template for c in used}
    return _bought(name, one, last)


def _bought(name: str, one: Person, last: int | None) -> Any:
    sales = [sale for sale in one.sales if not sale.back_fen or sale.back_fen < sale.fen]
    when = [(TODAY - sale.day).days for sale in sales]
    lately = [sale for sale in sales if last is None or (TODAY - sale.day).days <= last]
    spent = sum(sale.fen - sale.back_fen for sale in lately)
    kept = [line for sale in lately for line in sale.goods if line[3] < line[2]]
    match name:
        case "last_purchase_days":
            return min(when, default=None)
        case "first_purchase_days":
            return max(when, default=None)
        case "purchases":
            return len(lately)
        case "spent_fen":
            return spent
        case "average_fen":
            # A whole number of fen compares as the fraction does, where the bound is whole as well.
            return spent / len(lately) if lately else None
        case "bought_products":
            return {sku for sku, _, _, _ in kept}
        case "may_like":
            taken = {line[0] for sale in sales for line in sale.goods if line[3] < line[2]}
            return {other for sku, other in TOGETHER if sku in taken and other not in taken}
        case "bought_categories":
            return {category for _, category, _, _ in kept}
        case "bought_in_stores":
            return {sale.store for sale in lately}
        case "churn_risk":
            return {_risk(sorted({sale.day for sale in sales}))}
    raise AssertionError(name)


def _risk(visits: list[date]) -> str:
    if len(visits) < 3:
        return "unknown"
    usual = max((visits[-1] - visits[0]).days / (len(visits) - 1), 7)
    away = (TODAY - visits[-1]).days
    return "lost" if away > 4 * usual else "at_risk" if away > 2 * usual else "steady"


def _days_since(at: datetime) -> int:
    """By the calendar of the chain; below nothing of what is to come."""
    return (TODAY - at.astimezone(ZONE).date()).days


def _until_birthday(birthday: date) -> int:
    for ahead in range(367):
        day = TODAY + days(ahead)
        leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        of_year = (birthday.month, birthday.day)
        if of_year == (2, 29) and not leap:
            of_year = (2, 28)
        if (day.month, day.day) == of_year:
            return ahead
    raise AssertionError(birthday)
