"""What can go wrong when a private server is started."""


class EmbeddedError(Exception):
    """Root of the tree; `code` is stable, the text says what to do."""

    code = "embedded_error"


class ServerNotFound(EmbeddedError):
    """No usable server program on this machine, nor in the installed packages."""

    code = "server_not_found"


class FolderUnusable(EmbeddedError):
    """The data folder belongs to someone or something else, or to another major version."""

    code = "folder_unusable"


class FolderBusy(EmbeddedError):
    """A server that cannot be shared is using the data folder."""

    code = "folder_busy"


class StartFailed(EmbeddedError):
    """The server program ended, or was not ready in time; the text ends with its last log lines."""

    code = "start_failed"
