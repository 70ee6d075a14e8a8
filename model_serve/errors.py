"""What a person who serves a model may be told. An error says what happened, then what to do."""


class ServeError(Exception):
    """Whatever goes wrong here and has words for people."""


class SettingsError(ServeError):
    """A setting cannot be. Nothing was started or deployed."""


class ServerDiedError(ServeError):
    """The server ended before it was asked to."""


class CheckFailedError(ServeError):
    """A deployment does not do what it should."""
