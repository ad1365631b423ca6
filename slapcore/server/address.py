"""Where a server listens."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """Where to listen; the host ``*`` means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(text: str) -> Address:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+)):([0-9]{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"{text!r} is not host:port or [address]:port")
    return Address(found[1] or found[2], int(found[3]))
