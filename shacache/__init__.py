"""The binary cache: what was built once is downloaded everywhere, and nobody slips anything in.

- ``store`` keeps contents by their sha512, ``directory`` finds them by signed entries.
- ``signer`` knows whose signatures count, ``upload`` who may put what, and how much.
- ``cache`` holds these together and decides what a reader sees; ``views`` is its wire.
"""
