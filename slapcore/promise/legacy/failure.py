"""What the legacy package itself is asked for."""


class PromiseError(Exception):
    """A promise is not kept."""
