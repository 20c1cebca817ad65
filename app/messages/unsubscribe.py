"""The link in advertising mail that ends it with one click (RFC 8058): signed, good for ever, and for nothing else."""

import hashlib
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select

from app.db import transaction
from app.errors import NotFound
from app.members.models import Member
from app.messages.models import EMAIL
from app.messages.preferences import prefer


class Unsubscribe:
    """`base_url` is where members' mail programs reach the product."""

    def __init__(self, key: bytes, base_url: str) -> None:
        self._signed = URLSafeSerializer(
            key,
            salt="unsubscribe.v1",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._base_url = base_url.rstrip("/")

    def link(self, public_id: str) -> str:
        token = self._signed.dumps(public_id)
        return f"{self._base_url}/unsubscribe/{token if isinstance(token, str) else token.decode()}"

    def read(self, token: str) -> str:
        """Whose link it is. Raises `NotFound` for any that we did not make."""
        try:
            return str(self._signed.loads(token))
        except BadData:
            raise NotFound from None

    def take(self, token: str, *, now: datetime) -> None:
        """No more marketing by e-mail for whoever got that link; twice is once. Raises `NotFound`."""
        public_id = self.read(token)
        with transaction() as session:
            member_id = session.execute(
                select(Member.id).where(Member.public_id == public_id)
            ).scalar_one_or_none()
            if member_id is None:
                raise NotFound
            prefer(session, member_id, {EMAIL: True}, source="link", now=now)
