"""The one reason for which a test of the cluster skips: this machine, or the cluster that is given, cannot do it."""


class Unavailable(Exception):
    """What a test needs is not there; the message says what, and how to give it."""
