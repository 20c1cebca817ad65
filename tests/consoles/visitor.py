"""A browser that only speaks HTTP."""

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from tests.shop import PASSWORD

SITE = "https://till.shop.test"


class Visitor:
    """Speaks HTTP as a browser at the till does: its cookies, and where its requests come from."""

    def __init__(self, app: Flask, site: str = SITE) -> None:
        self.client = app.test_client()
        self.site = site

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, base_url=self.site, **options)

    def post(self, path: str, data: dict[str, str], **options: Any) -> Any:
        said = {"Origin": self.site, "Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        headers = {name: value for name, value in said.items() if value is not None}
        return self.client.post(path, data=data, base_url=self.site, headers=headers, **options)

    def sign_in(self, login: str, password: str = PASSWORD, place: str = "S001.T1", **options: Any) -> Any:
        form = self.get("/till/sign-in").text
        data = {
            "login": login,
            "password": password,
            "store": place.partition(".")[0],
            "terminal": place.partition(".")[2],
            "csrf_token": hidden(form, "csrf_token"),
        }
        return self.post("/till/sign-in", data, **options)

    def refused(self, login: str, password: str = PASSWORD, place: str = "S001.T1") -> str:
        """Try to sign in, and read the page that says why not."""
        answer = self.sign_in(login, password, place)
        assert (answer.status_code, answer.location) == (303, "/till/sign-in")
        return str(self.get("/till/sign-in").text)

    def cookie(self, name: str) -> str:
        found = self.client.get_cookie(name, domain=str(urlsplit(self.site).hostname))
        assert found is not None, name
        return found.value

    def forget_session(self) -> None:
        """As a browser does whose cookies were thrown away."""
        self.client.delete_cookie("__Host-till", domain=urlsplit(self.site).hostname)

    def htmx(self, path: str, data: dict[str, str] | None = None, **options: Any) -> Any:
        headers = {"HX-Request": "true", **options.pop("headers", {})}
        if data is None:
            return self.get(path, headers=headers)
        return self.post(path, data, headers={"X-CSRF-Token": self.csrf_token(), **headers}, **options)

    def csrf_token(self) -> str:
        return hidden(self.get("/till/").text, "csrf_token")

    def scan(self, code: str, scan_key: str = "scan-key-of-a-form-1", **more: str) -> Any:
        return self.htmx("/till/scans", {"code": code, "scan_key": scan_key, **more})

    def sell(self, piece: str, amount: str, **more: str) -> Any:
        """Fill in the sale form that stands in this piece of page, and send it: cash."""
        fields = {name: hidden(piece, name) for name in ("sale_key", "ticket", "receipt_no")}
        return self.htmx("/till/sales", {**fields, "amount": amount, "paid_by": "cash", **more})

    def due(self, piece: str, amount: str, **more: str) -> Any:
        """Ask what is due, as Enter does."""
        return self.sell(piece, amount, paid_by="", **more)

    def go_on(self, piece: str, step: str, **more: str) -> Any:
        """Send the quote that stands in this piece of page to that step: quote, take, word, amount."""
        names = (
            "sale_key", "ticket", "amount", "receipt_no", "points", "balance", "chosen", "without", "quote_id"
        )  # fmt: skip
        fields = {name: hidden(piece, name) for name in names if f'name="{name}"' in piece}
        return self.htmx(f"/till/sales/{step}", {**fields, **more})


def hidden(page: str, name: str) -> str:
    """The value of the field of that name."""
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert tag is not None, f"no field {name}"
    value = re.search(r'value="([^"]*)"', tag[0])
    assert value is not None, f"field {name} without value"
    return value[1]
