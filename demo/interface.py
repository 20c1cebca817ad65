"""The OpenAPI document without a database: the application is put together, but connects to nothing."""

import base64
import hashlib

import wsgi
from app import settings
from commands.openapi import document


def openapi() -> str:
    """The document of docs/openapi.json."""
    given = settings.load(
        {
            "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
            "LOG_LEVEL": "error",
            "SESSION_KEY": _key("session"),
            "CODE_KEYS": f"1:{_key('code')}",
            "PHONE_KEYS": f"a1:{_key('phone')}",
            "PHONE_INDEX_KEY": _key("index"),
            "POLICY_VERSION": "none",
        }
    )
    with wsgi.create_app(given).app_context():
        return document()


def _key(purpose: str) -> str:
    """Of the right form; nothing is ever signed or encrypted with it."""
    return base64.b64encode(hashlib.sha256(purpose.encode()).digest()).decode()
