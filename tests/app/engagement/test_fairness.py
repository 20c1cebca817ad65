"""What was drawn can be worked out again by anybody, with what docs/lottery.md says and nothing else."""

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask
from sqlalchemy import Engine, text

from app import clock
from app.engagement.lottery_fair import commitment_of, number_of, prize_of
from app.engagement.lottery_rounds import reveal
from app.engagement.lottery_seed import SeedVault
from tests.app.engagement.offering import CUP, MINUTE, THANKS, lottery, play, round_of
from tests.conftest import ROOT
from tests.shop import Phone, Shop

HALF = CUP | {"weight": 90, "stock": 2, "reward": {"points": 7}}


def test_the_number_is_what_the_page_says() -> None:
    """Worked out with `openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f` over `R:1:p:x` and `R:2:p:x`."""
    seed = bytes(range(32))
    first = number_of(seed, round_id="R", draw_no=1, player="p", client_seed="x", weights=[1, 2, 7])
    second = number_of(seed, round_id="R", draw_no=2, player="p", client_seed="x", weights=[2**20] * 3)
    assert (first, second) == (4, 2_322_833)
    assert commitment_of(seed) == "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"


def test_numbers_fall_on_prizes_in_their_order() -> None:
    weights = [1, 2, 7]
    assert [prize_of(n, weights) for n in range(10)] == [1, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    with pytest.raises(ValueError, match="not below"):
        prize_of(10, weights)


def test_prizes_come_as_often_as_their_weights_say() -> None:
    """Chi-square over fixed seeds, which always comes out the same: of 3 degrees of freedom 16.27 is one in 1,000."""
    weights, seen = [5, 15, 30, 50], [0, 0, 0, 0]
    rounds, players, draws = 4, 50, 50
    for held in range(rounds):
        seed = commitment_of(str(held).encode()).encode()[:32]
        for player in range(players):
            for draw_no in range(1, draws + 1):
                number = number_of(
                    seed,
                    round_id=f"round {held}",
                    draw_no=draw_no,
                    player=str(player),
                    client_seed="",
                    weights=weights,
                )
                seen[prize_of(number, weights) - 1] += 1
    total = rounds * players * draws
    expected = [total * weight / 100 for weight in weights]
    chi_square = sum((got - want) ** 2 / want for got, want in zip(seen, expected, strict=True))
    assert chi_square < 16.27, seen


def test_a_seed_opens_in_its_own_round_only() -> None:
    vault = SeedVault({"b": b"1" * 32, "a": b"2" * 32})
    sealed = vault.seal(b"s" * 32, "round 1")
    assert vault.open(sealed, "round 1") == b"s" * 32
    assert SeedVault({"c": b"3" * 32, "b": b"1" * 32}).open(sealed, "round 1") == b"s" * 32
    with pytest.raises(InvalidTag):
        vault.open(sealed, "round 2")
    with pytest.raises(KeyError):
        SeedVault({"a": b"2" * 32}).open(sealed, "round 1")


@pytest.fixture
def over(shop: Shop) -> tuple[Phone, str]:
    """A round of 16 draws of two members that is over, and its id."""
    now, phones = clock.now(), [shop.member(), shop.member()]
    activity = lottery(prizes=[HALF, THANKS])
    held = round_of(shop, activity)
    for phone in phones:
        shop.earn(phone, 200)
        for n in range(8):
            play(shop, activity, phone.member_id, f"k{n}", client_seed=f"mine{n}")
    before = phones[0].get(f"/lottery-rounds/{held.id}").json
    assert (before["seed"], before["commitment"]) == (None, held.commitment)
    assert reveal(vault=shop.parts.seeds, now=now + 59 * MINUTE) == 0
    assert reveal(vault=shop.parts.seeds, now=now + 61 * MINUTE) == 1
    assert reveal(vault=shop.parts.seeds, now=now + 62 * MINUTE) == 0
    return phones[0], held.id


def every_draw(phone: Phone, round_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = phone.get(f"/lottery-rounds/{round_id}/draws?limit=7{cursor and '&cursor=' + cursor}").json
        items, cursor = items + page["items"], page["next_cursor"]
    return items


def checked_as_printed(folder: Path, held: Any, draws: Any) -> str:
    """What the script on the page prints about these lists."""
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/lottery.md").read_text("utf-8"), re.DOTALL)
    (folder / "round.json").write_text(json.dumps(held))
    (folder / "draws.json").write_text(json.dumps(draws))
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(script, "docs/lottery.md", "exec"), {})
    return said.getvalue()


@pytest.mark.filterwarnings("ignore:unclosed file")
def test_the_script_on_the_page_checks_a_round(over: tuple[Phone, str], tmp_path: Path) -> None:
    phone, round_id = over
    held, draws = phone.get(f"/lottery-rounds/{round_id}").json, every_draw(phone, round_id)
    assert len({draw["player"] for draw in draws}) == 2
    assert "used_up" in {draw["instead"] for draw in draws}
    assert checked_as_printed(tmp_path, held, draws) == "16 draws, all as the seed says\n"
    for forged in (
        [draws[0] | {"number": draws[0]["number"] + 1}, *draws[1:]],
        [draws[0] | {"client_seed": "other"}, *draws[1:]],
        [draw | {"instead": None, "given": draw["drawn"]} for draw in draws],
    ):
        with pytest.raises(AssertionError):
            checked_as_printed(tmp_path, held, forged)
    with pytest.raises(AssertionError):
        checked_as_printed(tmp_path, held | {"seed": "00" * 32}, draws)


def test_the_command_checks_it_too(app: Flask, over: tuple[Phone, str], engine: Engine) -> None:
    _, round_id = over
    runner = app.test_cli_runner()
    done = runner.invoke(args=["lottery", "verify", round_id])
    assert (done.exit_code, done.output) == (0, "16 draws, all as the seed says\n")
    assert runner.invoke(args=["lottery", "verify", "0" * 26]).exit_code == 1


def test_before_the_end_there_is_nothing_to_check(app: Flask, shop: Shop) -> None:
    held = round_of(shop, lottery())
    done = app.test_cli_runner().invoke(args=["lottery", "verify", held.id])
    assert done.exit_code == 1
    assert "seed" in done.output


@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        ("UPDATE lottery_draws SET number = (number + 1) % 180 WHERE draw_no = 1", "number"),
        ("UPDATE lottery_draws SET client_seed = 'forged' WHERE draw_no = 2", "number"),
        ("DELETE FROM lottery_draws WHERE draw_no = 3", "was next"),
        ("UPDATE lottery_draws SET given = 1, instead = NULL WHERE instead = 'used_up'", "given of 2"),
        (
            "UPDATE lottery_draws SET given = 2, instead = 'used_up', win_no = NULL WHERE win_no = 2",
            "used up",
        ),
    ],
)
def test_a_forgery_is_found(unaudited_engine: Engine, whole_app: Flask, forgery: str, told: str) -> None:
    shop = Shop(whole_app)
    now, phone = clock.now(), shop.member()
    activity = lottery(prizes=[HALF | {"weight": 900}, THANKS])
    held = round_of(shop, activity)
    shop.earn(phone, 200)
    for n in range(8):
        play(shop, activity, phone.member_id, f"k{n}")
    reveal(vault=shop.parts.seeds, now=now + 61 * MINUTE)
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        assert connection.execute(text(forgery)).rowcount
    done = whole_app.test_cli_runner().invoke(args=["lottery", "verify", held.id])
    assert done.exit_code == 1
    assert told in done.output
