"""The door of a partition: a program enters its control group and becomes its user, and begins.

Run as a file by supervisord, as root, before every program of a partition; so it imports nothing
that takes time.
"""

import os
import sys


def main() -> None:
    folder, uid, gid, groups, *words = sys.argv[1:]
    with open(f"{folder}/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
    os.setgroups([int(group) for group in groups.split(",") if group])
    os.setgid(int(gid))
    os.setuid(int(uid))
    os.execv(words[0], words)


if __name__ == "__main__":
    main()
