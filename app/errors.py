"""What the business can refuse, in the business's words.

    DomainError
    ├── Invalid           the request makes no sense as it stands; the same words will never work
    ├── Unauthenticated   who is asking is not known (any more)
    ├── Forbidden         known, but not allowed
    ├── NotFound          not there, or not the caller's to see
    ├── Conflict          clashes with what already happened
    ├── Gone              was good once, its time is over
    ├── TooMany           asked too often
    └── Unavailable       something we depend on does not answer; try again later

Every leaf carries a stable `code` (the API's vocabulary, documented in docs/errors.md) and data, never a
sentence: the wording in Chinese and English lives in `app/texts`. `web/errors.py` turns the branch into an
HTTP status; nothing else does.
"""

from typing import ClassVar


class DomainError(Exception):
    """The root: raised with data that is safe to show to the caller."""

    code: ClassVar[str] = "error"

    def __init__(self, **data: object) -> None:
        super().__init__(self.code)
        self.data = data


class Invalid(DomainError):
    code = "invalid"


class Unauthenticated(DomainError):
    code = "unauthenticated"


class Forbidden(DomainError):
    code = "forbidden"


class NotFound(DomainError):
    code = "not_found"


class Conflict(DomainError):
    code = "conflict"


class Gone(DomainError):
    code = "gone"


class TooMany(DomainError):
    """Data: `retry_after_s`, whole seconds until it is worth trying again."""

    code = "too_many_requests"


class Unavailable(DomainError):
    """Data may hold `retry_after_s`."""

    code = "unavailable"


class VersionConflict(Conflict):
    """Somebody else edited the record since the caller read it. Data: `version`, the current one."""

    code = "version_conflict"
