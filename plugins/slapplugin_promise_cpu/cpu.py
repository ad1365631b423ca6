"""Promise type: the machine has time left."""

import os

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise

#: minutes -> where the kernel's load has them
MINUTES = {1: 0, 5: 1, 15: 2}


class CPUPromise(TypedPromise):
    """The machine has time left."""

    takes = {
        "load": "how many processes may want to run, for each processor (1.5)",
        "minutes": "over how many minutes: 1, 5 or 15 (5)",
    }

    def sense(self) -> None:
        minutes = int(self.number("minutes", 5))
        if minutes not in MINUTES:
            raise InvalidValue(f"the load is known over 1, 5 or 15 minutes, not {minutes}")
        load = os.getloadavg()[MINUTES[minutes]] / (os.cpu_count() or 1)
        most = self.number("load", 1.5)
        say = self.log.error if load > most else self.log.info
        say("the load is %.2f for each processor, of at most %.2f", load, most)
