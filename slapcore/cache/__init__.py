"""The binary cache as its users know it: nodes, builders and other caches.

- ``client`` speaks to one cache, ``trust`` says whose entries count.
- ``signing`` is a builder's own keys, ``machine`` what a binary is for.
- ``archive`` packs a directory and unpacks it member by member; ``release`` puts it together.
"""
