"""One running demo for all tests here, and folders for those that start their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import postgres
from tests.demo.launching import Demo, data_of, demo_in


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("home")
    with demo_in(home) as running:
        yield running
    postgres.remove(data_of(home) / "postgres")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Where a demo may be started; its data are gone afterwards, wherever they were put."""
    yield tmp_path
    postgres.remove(data_of(tmp_path) / "postgres")
