"""A mail server on loopback that takes letters, or does not, as a test says."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "sender", "the-password-of-the-mail-tests"


class SmtpPeer:
    """`taken`: the letters, in order. `says`: what a step answers instead of yes, by its name (MAIL, RCPT, DATA);
    DATA may also be "hang" or "drop", which take the letter first."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.says: dict[str, str] = {}
        self.connections = 0
        self.port = 0

    async def handle_EHLO(
        self, _: Any, session: Any, __: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:
        envelope.mail_from = address
        return self.says.get("MAIL", "250 OK")

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.says.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, _: Any, envelope: Any) -> str:
        said = self.says.get("DATA", "250 2.0.0 queued as 4711")
        if said.startswith(("250", "hang", "drop")):
            self.raw.append(envelope.original_content)
            letter = message_from_bytes(envelope.original_content, policy=default)
            self.taken.append(cast(EmailMessage, letter))
        if said == "hang":
            await asyncio.sleep(1.5)
        if said == "drop":
            server.transport.abort()
        return said


def _proven(_: Any, __: Any, ___: Any, ____: str, told: Any) -> AuthResult:
    right = (told.login, told.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(*, certificate: Path | None = None, auth: bool = False) -> Iterator[SmtpPeer]:
    """With a certificate it offers STARTTLS, and insists on it."""
    peer, tls = SmtpPeer(), None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        peer.port = free.getsockname()[1]
    controller = Controller(
        peer,
        hostname="127.0.0.1",
        port=peer.port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=_proven if auth else None,
        auth_required=auth,
    )
    controller.start()
    try:
        yield peer
    finally:
        controller.stop()


def certificate_in(folder: Path) -> Path:
    """Of 127.0.0.1, signed by itself."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
