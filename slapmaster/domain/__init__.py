"""What the master knows and decides: persistent objects and operations on them.

Knows no HTTP, no XML and no templates.  Operations take an :class:`~slapmaster.domain.act.Act`,
which says who acts, from where and when.
"""
