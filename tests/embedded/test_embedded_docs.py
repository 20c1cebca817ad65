"""docs/embedded.md names every error."""

from pathlib import Path

from embedded.errors import EmbeddedError

PAGE = Path(__file__).parents[2] / "docs" / "embedded.md"


def test_the_page_names_every_error_and_its_code() -> None:
    text = PAGE.read_text()
    errors = [EmbeddedError, *EmbeddedError.__subclasses__()]
    assert len({error.code for error in errors}) == len(errors) > 1
    for error in errors:
        assert f"| `{error.__name__}` | `{error.code}` |" in text
