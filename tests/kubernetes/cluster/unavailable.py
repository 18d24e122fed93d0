"""The one reason for which a test of the cluster may skip: this machine cannot run one."""


class Unavailable(Exception):
    """This machine lacks what a cluster needs; the message says what, and how to give it."""
