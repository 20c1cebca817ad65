"""The cookie by which a browser is known that somebody signed in with before (app/staff/devices.py)."""

from flask import Response, request
from werkzeug.wrappers import Response as PlainResponse

from app import clock
from app.staff import devices
from web.parts import parts


def known_device(login: str) -> str | None:
    """The mark of this browser for that login; None: whoever asks is a stranger."""
    return devices.known(parts().settings.session_key, _cookie(), login, now=clock.now())


def remember_device(response: Response | PlainResponse, login: str) -> None:
    """After signing in. The cookie is no proof of who somebody is: it opens nothing."""
    response.set_cookie(
        _name(),
        devices.remembered(parts().settings.session_key, _cookie(), login, now=clock.now()),
        max_age=devices.LIFE,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _cookie() -> str:
    return request.cookies.get(_name(), "")


def _name() -> str:
    # `__Host-`: no neighbouring site can put its own in this place. Browsers want Secure for it.
    return "__Host-staff-device" if request.is_secure else "staff-device"
