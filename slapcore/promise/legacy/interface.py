"""The interface that legacy plugins declare to implement."""

from zope.interface import Interface


class IPromise(Interface):
    """What is asked of a legacy plugin."""

    def sense() -> object:
        """Look, and log what is found."""

    def test() -> object:
        """Give a TestResult of the last looks."""

    def anomaly() -> object:
        """Give an AnomalyResult of the last looks."""
