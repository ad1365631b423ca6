"""Is it as promised?  Promises of instances, looked at as the user of their partition.

The agent asks one ``Launcher``; it has one warm process, which forks a keeper per partition;
the keeper becomes the user of the partition and forks each promise that is due.  Nothing that a
partition may write is read, run or written as anybody else.

All but ``launcher``, ``quota`` and ``types`` is imported by the interpreters of releases too:
there is the standard library and nothing else.
"""
