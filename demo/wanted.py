"""What the user asked for."""

from dataclasses import dataclass

from demo.folder import Folder


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`members` counts those who are made up on the first start."""

    folder: Folder
    port: int
    sandbox_port: int
    members: int

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"
