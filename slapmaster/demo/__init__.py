"""The demonstration: a master, a node and a customer on one machine.

The customer is the real ``slapos``, the node our own agent or the real one.  Not part of the
master; it drives commands from outside.
"""
