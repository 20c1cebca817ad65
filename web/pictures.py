"""Where a picture is shown: an address of this server, which the mini-program puts behind its own."""

from marshmallow import fields, validate

#: Without a host: behind a proxy the server does not know by which name it is called.
PREFIX = "/api/v1/pictures"


def picture_url(picture_id: str | None) -> str | None:
    """None for what has no picture."""
    return None if picture_id is None else f"{PREFIX}/{picture_id}"


def picture_url_field() -> fields.String:
    """In what members are answered."""
    return fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "path of a JPEG on this server, 960 x 960 pixels at most; null: no picture"},
    )


def picture_id_field() -> fields.String:
    """In drafts of the back office."""
    return fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[0-9a-f]{32}\Z", error="Must be the id of a picture."),
        metadata={"description": "a picture of `POST /office/v1/pictures`; null: none"},
    )
