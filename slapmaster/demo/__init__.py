"""The demonstration: a master, a node and a customer on one machine, with the real ``slapos``.

Not part of the master; it drives the master's own commands and the client's from outside.
"""
