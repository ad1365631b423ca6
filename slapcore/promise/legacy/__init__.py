"""Stand-ins for ``slapos.grid.promise``, so that ``RunPromise`` plugins run unmodified.

``finder`` answers the import names, ``generic`` and ``interface`` are what is imported, and
``failure`` what the package itself is asked for.  They are installed in the process of a promise
only.
"""
