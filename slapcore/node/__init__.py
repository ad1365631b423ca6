"""The node agent: does on one machine what the Master orders.

``agent`` is where a run begins.  ``host`` says where everything lies and who owns it, and is
handed to every step.
"""
