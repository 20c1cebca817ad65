"""The face for people in a browser: clerks now, marketers and managers later. Pages, not JSON."""

from flask import Flask

from app.texts import yuan
from consoles import static_files, unsubscribe
from consoles.clerk import account, coupons, events, pin, rewards, sales, sign_in, till
from consoles.texts import t
from web.language import language


def install(app: Flask) -> None:
    """Register the pages and what their templates speak with."""
    app.jinja_env.globals.update(t=t, static_url=static_files.static_url, language=language)
    app.jinja_env.filters["yuan"] = yuan
    for face in (static_files, unsubscribe, sign_in, account, pin, till, sales, coupons, rewards, events):
        app.register_blueprint(face.blueprint)
