"""Words of a rule that no member has are told, wherever they stand, and each is looked up by an index."""

from typing import Any

from sqlalchemy import Engine

from app import db
from app.segments import unknown
from app.segments.rule import parse
from app.segments.unknown import unknown_words
from tests.app.campaigns.test_campaign_plans import kept_plan
from tests.app.segments.test_segment_fields import World
from tests.app.segments.world import TODAY, Person, Sale

# Most have the same few; rolled back.
SEEDED = (
    """
    INSERT INTO member_bought (member_id, kind, word, last_on)
    SELECT n, kind, concat('w', mod(n, 3)), current_date
    FROM generate_series(1, 20000) n, unnest('{product,category}'::text[]) kind""",
    "SET LOCAL session_replication_role = replica",
    "INSERT INTO member_tags (tag, member_id, given_at) SELECT 'vip', n, now() FROM generate_series(1, 20000) n",
    "ANALYZE member_bought, member_tags",
)


def words(field: str, *value: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": "any_of", "value": list(value), **more}


def told(*rules: Any) -> list[tuple[str, str]]:
    with db.transaction() as session:
        kept = [None if one is None else parse(one).data for one in rules]
        return [(one.field, one.word) for one in unknown_words(session, kept)]


def test_words_that_nobody_has_are_told_wherever_they_stand(world: World) -> None:
    world([Person(tags=["vip"], sales=[Sale(TODAY, 5, goods=[("A1", "tea", 1, 0), ("B2", "cake", 1, 1)])])])
    rule = {
        "any": [
            words("tags", "vip", "vlp"),
            {"not": {"all": [words("bought_products", "A1", "A7"), words("bought_categories", "tae")]}},
            {"not": words("tags", "vlp", "old")},
        ]
    }
    assert told(rule) == [
        ("tags", "vlp"),
        ("bought_products", "A7"),
        ("bought_categories", "tae"),
        ("tags", "old"),
    ]
    assert told(words("tags", "vip"), None, words("bought_products", "A1", days=3)) == []
    assert told(words("may_like", "A1", "A7")) == [("may_like", "A7")]


def test_a_word_is_known_only_as_what_it_is(world: World) -> None:
    """An article is no category and no tag; what was wholly given back is bought by nobody."""
    world([Person(tags=["vip"], sales=[Sale(TODAY, 5, goods=[("A1", "tea", 1, 0), ("B2", "cake", 1, 1)])])])
    assert told(words("bought_categories", "A1", "vip", "S001")) == [
        ("bought_categories", "A1"),
        ("bought_categories", "vip"),
        ("bought_categories", "S001"),
    ]
    assert told(words("tags", "A1"), words("bought_products", "tea", "B2")) == [
        ("tags", "A1"),
        ("bought_products", "tea"),
        ("bought_products", "B2"),
    ]
    assert told(words("bought_in_stores", "S001"), words("language", "en")) == []


def test_fifty_are_told_at_most_and_the_first(world: World) -> None:
    world([])
    many = [f"t{n}" for n in range(100)]
    assert told(words("tags", *many)) == [("tags", word) for word in many[:50]]


def test_each_word_is_looked_up_by_an_index(engine: Engine) -> None:
    given = {"fields": "{tags}", "kinds": "{NULL}", "words": "{vlp}", "most": 50}
    with engine.connect() as connection:
        for statement in SEEDED:
            connection.exec_driver_sql(statement)
        plan = kept_plan(connection, unknown._UNKNOWN.text, given)
        connection.rollback()
    assert "Seq Scan" not in plan
    assert "ix_member_bought_word" in plan
    assert "pk_member_tags" in plan
