"""Promise type: a command ends as it should."""

import re
import shlex
import subprocess

from slapcore.promise.typed import TypedPromise

#: Characters of the output that are told.
TOLD = 500


class CommandPromise(TypedPromise):
    """A command ends as it should."""

    needs = {"command": "the program and its arguments, quoted as for a shell; no shell runs it"}
    takes = {
        "code": "the code that it ends with (0)",
        "output": "a regular expression that its output has to match somewhere",
        "timeout": "seconds that it may take (15)",
    }

    def sense(self) -> None:
        words = shlex.split(self.option("command"))
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.number("timeout", 15),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            self.log.error("%s has not ended after %g seconds", words[0], error.timeout)
            return
        output = done.stdout.decode("utf-8", "replace").strip()
        wanted = int(self.number("code", 0))
        if done.returncode != wanted:
            text = "%s has ended with %s, not %s: %s"
            self.log.error(text, words[0], done.returncode, wanted, output[-TOLD:])
        elif not re.search(self.option("output", ""), output, re.MULTILINE):
            self.log.error("%s has put out something else: %s", words[0], output[-TOLD:])
        else:
            self.log.info("%s has ended with %s: %s", words[0], done.returncode, output[-TOLD:])
