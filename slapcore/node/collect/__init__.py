"""What the machine and its instances use: looked at, kept for a while, told to the Master.

``snapshot`` looks once, ``store`` keeps what was seen, ``usage`` makes a report of a day.
"""
