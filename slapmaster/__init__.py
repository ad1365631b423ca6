"""The SlapOS Master: places instances on nodes, and tells nodes and people about it."""

from slapmaster.hookspecs import hookimpl

__all__ = ["hookimpl"]
