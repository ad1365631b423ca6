"""What operators do to a master: the same whether it runs or its database is opened for once.

``table`` lists the operations; ``operation`` runs one; ``listener`` is the running server's side,
``client`` the command's.
"""
