"""What a release was really built of: eggs, downloads, extensions; and a profile that pins it.

- Versions are those of the eggs that the programs of the release and its buildout import.
- Downloads are told with their sums, as far as the log and the files still say.
"""

import hashlib
import re
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EGG = re.compile(r"([A-Za-z0-9_.]+)-([0-9][A-Za-z0-9_.!+]*?)(?:-py[0-9.]+)?(?:-[a-z0-9_-]+)?\.egg")
PICKED = re.compile(r"(?:Picked: )?([A-Za-z0-9_.+-]+) = (\S+)")
BEGINS = "Versions had to be automatically picked."
DOWNLOAD = re.compile(r"Download(?:ing|ed) '?(\S+?)'?")
EXTENSIONS = re.compile(r"^extensions\s*\+?=\s*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)


def find_unpinned(lines: Sequence[str]) -> dict[str, str]:
    """Find what buildout lists at its end when it shows what it picked: name -> version."""
    found: dict[str, str] = {}
    listing = False
    for line in lines:
        listing = listing or line.startswith(BEGINS)
        match = PICKED.fullmatch(line.strip()) if listing else None
        if match:
            found[match[1]] = match[2]
    return found


def find_versions(directory: Path) -> dict[str, str]:
    """Find the eggs that a release has: name -> version."""
    eggs = [path.name for path in directory.glob("eggs/**/*.egg")]
    matches = filter(None, map(EGG.fullmatch, eggs))
    return {match[1].replace("_", "-"): match[2] for match in matches}


def find_extensions(profiles: Iterable[str]) -> list[str]:
    """Find what extends buildout itself, as profiles say it."""
    found = [words for text in profiles for words in EXTENSIONS.findall(text)]
    return sorted({word for words in found for word in words.split()})


def find_downloads(lines: Sequence[str], directory: Path) -> list[dict[str, str]]:
    """Find what was downloaded, with the sums of what is still in the directory."""
    urls = dict.fromkeys(match[1] for match in map(DOWNLOAD.search, lines) if match)
    return [{"url": url, **sums_of(directory, url.rpartition("/")[2])} for url in urls]


def sums_of(directory: Path, name: str) -> dict[str, str]:
    for folder in ("downloads", "download-cache", "."):
        path = directory / folder / name
        if name and path.is_file():
            with path.open("rb") as file:
                sha512 = hashlib.file_digest(file, "sha512").hexdigest()
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            return {"md5": md5, "sha512": sha512}
    return {}


def describe_build(url: str, directory: Path, lines: Sequence[str]) -> dict[str, Any]:
    """Say what became of a build."""
    profiles = [path.read_text(errors="replace") for path in directory.glob("extends-cache/*")]
    return {
        "url": url,
        "versions": find_versions(directory),
        "unpinned": find_unpinned(lines),
        "extensions": find_extensions(profiles),
        "downloads": find_downloads(lines, directory),
    }


def freeze(url: str, directory: Path) -> str:
    """Write a profile that builds the same again: the release, with what it was built of pinned."""
    versions = find_versions(directory)
    pins = [f"{name} = {version}" for name, version in sorted(versions.items())]
    lines = ["[buildout]", f"extends = {url}", "allow-picked-versions = false", "", "[versions]"]
    return "\n".join([*lines, *pins]) + "\n"
