"""Where the data lie, and what is left alone."""

import os
import stat
from pathlib import Path

import pytest

from embedded import postgres
from embedded.account import Account, can_reach, server_account
from embedded.errors import FolderBusy, FolderUnusable
from embedded.postgres_folder import place_of, take


@pytest.fixture
def account() -> Account:
    return server_account("postgres")


def test_data_lie_where_they_were_asked_for_if_the_server_can_get_there(
    open_place: Path, account: Account
) -> None:
    assert place_of(open_place / "not yet" / "data", account) == open_place / "not yet" / "data"


def test_data_in_a_private_place_go_elsewhere_for_root_and_no_right_is_widened(
    tmp_path: Path, account: Account
) -> None:
    private = tmp_path / "private"
    private.mkdir(0o700)
    place = place_of(private / "data", account)
    assert place == place_of(private / "data", account)
    if account.switched:
        assert can_reach(place.parent, account)
        assert place != place_of(private / "other data", account)
    else:
        assert place == private / "data"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path, account: Account) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(FolderUnusable, match="another user"):
        take(tmp_path / "link", account)
    assert list((tmp_path / "target").iterdir()) == []


def test_someone_elses_files_are_neither_used_nor_removed(open_place: Path) -> None:
    folder = open_place / "letters"
    folder.mkdir(0o755)
    (folder / "letter.txt").write_text("dear member")
    for attempt in (postgres.start, postgres.remove):
        with pytest.raises(FolderUnusable, match="not empty"):
            attempt(folder)
    assert (folder / "letter.txt").read_text() == "dear member"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_data_in_use_are_not_removed(made_dir: Path) -> None:
    with postgres.start(made_dir, durable=False), pytest.raises(FolderBusy, match="running"):
        postgres.remove(made_dir)


def test_to_remove_data_that_were_never_made_is_no_error(tmp_path: Path) -> None:
    postgres.remove(tmp_path / "never" / "made")
    assert list(tmp_path.iterdir()) == []


def test_root_hands_the_server_to_an_unprivileged_user_and_others_keep_it(account: Account) -> None:
    assert account.uid != 0
    assert account.switched == (os.geteuid() == 0)
