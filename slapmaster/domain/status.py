"""What a node last said of itself, of an instance, or of a release it builds."""

from persistent import Persistent

#: How much of an error log is kept, in characters, counted from its end.
LOG_KEPT = 16_384


class AccessStatus(Persistent):
    """What was last said, and since when.

    A record of its own: nodes write it while people write the object it speaks of, and the two
    must not conflict.  Saying the same again changes nothing; when that was heard last is kept
    outside the database.  Times are in microseconds; ``since`` is kept while the kind of
    message (its first word) stays.
    """

    text = ""
    by = ""
    reported = 0
    since = 0
    log = ""

    def report(self, text: str, *, by: str, now: int, log: str = "") -> bool:
        """Keep what was said; tell whether it differs from what was said before."""
        log = log[-LOG_KEPT:]
        if (text, by, log) == (self.text, self.by, self.log):
            return False
        if text.split(" ", 1)[0] != self.text.split(" ", 1)[0]:
            self.since = now
        self.text = text
        self.by = by
        self.log = log
        self.reported = now
        return True

    @property
    def is_error(self) -> bool:
        return self.text.startswith("#error")
