"""Runs buildouts, each in a process of its own that is forked from one which has all imported.

It reads a line of JSON per run (arguments, directory, environment, where to write), and answers
with the exit code.  Importing takes longer than a run.
"""

import json
import os
import sys

from zc.buildout.buildout import main


def run(order):
    """Be the process of one run."""
    said = os.open(order["said"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    sys.argv = ["buildout", *order["arguments"]]
    try:
        main(order["arguments"])
    except SystemExit as error:
        return error.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                code = run(json.loads(line))
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(status, flush=True)
