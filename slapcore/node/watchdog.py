"""The watchdog: a program that ends by itself has the Master bang its partition, at once.

Run by supervisord as an event listener.  It waits all day, so it imports nothing; the bang itself
is made by another process, which ends.

- Only what is watched counts, programs of ``etc/service``.
- There is one bang per deployment: until the partition has been processed again, the next crash is
  no news.  ``.slapos_latest_bang_timestamp`` says so, to the legacy node too.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import IO

WATCHED = "-on-watch"
EVENTS = ("PROCESS_STATE_EXITED", "PROCESS_STATE_FATAL")
FIELD = re.compile(r"(\w+):(\S*)")
SECONDS = 300.0


def listen(source: IO[bytes], answers: IO[bytes], config: str) -> None:
    """Take events until there are no more."""
    while True:
        answers.write(b"READY\n")
        answers.flush()
        head = read_fields(source.readline().decode(errors="replace"))
        if "len" not in head:
            return
        body = read_fields(source.read(int(head["len"])).decode(errors="replace"))
        if is_crash(head, body):
            call_bang(config, body)
        answers.write(b"RESULT 2\nOK")
        answers.flush()


def read_fields(text: str) -> dict[str, str]:
    return dict(FIELD.findall(text))


def is_crash(head: Mapping[str, str], body: Mapping[str, str]) -> bool:
    """Tell whether a watched program has ended that nobody has stopped."""
    return head.get("eventname") in EVENTS and body.get("processname", "").endswith(WATCHED)


def call_bang(config: str, body: Mapping[str, str]) -> None:
    """Have another process bang; what it says goes to supervisord's log of us."""
    words = [sys.executable, "-m", "slapcore.node.crash", config]
    words += [body.get("groupname", ""), body.get("processname", "")]
    try:
        subprocess.run(words, stdout=sys.stderr, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"the bang of {body.get('groupname')} failed: {error}", file=sys.stderr, flush=True)


def main() -> None:
    listen(sys.stdin.buffer, sys.stdout.buffer, sys.argv[1])


if __name__ == "__main__":
    main()
