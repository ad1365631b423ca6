"""zc.buildout in an environment of its own: profiles written, logs kept, failures explained.

A release is bootstrapped with the node's Python, and gets a ``bin/buildout`` of its own by that.
Its instances are made by that very program, so that what the release needs is what they find.
"""

import re
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

from slapcore.config import NodeConfig
from slapcore.errors import SlapError
from slapcore.node.host import Host
from slapcore.node.host import PartitionPlace
from slapcore.node.host import ReleasePlace
from slapcore.node.process import Outcome
from slapcore.node.process import Program
from slapcore.node.process import ProgramFailed
from slapcore.node.process import require

#: the environment that buildout is in is that of its Python; nothing of ours gets in
BUILDOUT = "import sys; sys.argv[0] = 'buildout'; from zc.buildout.buildout import main; main()"

ERROR_LINES = 20
PART = re.compile(r"(?:Installing|Updating|Uninstalling|Getting section) ([\w.@+-]+?)\.?")
ESSENCE = re.compile(r"(?:Error|[A-Za-z_.]*(?:Error|Exception)): .*|[A-Za-z_.]*(?:Error|Exception)")

TAIL = """

# What follows was written by the node.
[buildout]
bin-directory = ${{buildout:directory}}/sbin
offline = true

[slap-connection]
computer-id = {node}
partition-id = {partition}
server-url = {master}
software-release-url = {release}
key-file = {key}
cert-file = {certificate}
master-ca-file = {authority}
master-fingerprint = {fingerprint}
shared-part-list ={shared_parts}
build-time-part-list ={build_time_parts}
requested-state = {state}

[slap_connection]
computer_id = {node}
partition_id = {partition}
server_url = {master}
software_release_url = {release}
key_file = {key}
cert_file = {certificate}

[storage-configuration]
storage-home = {storage_home}

[network-information]
global-ipv4-network = {network}
"""


class BuildFailed(SlapError):
    """Buildout did not do it; the text ends with the reason."""


def write_release_profile(place: ReleasePlace, config: NodeConfig) -> None:
    """Write the profile that extends the release's; one that says the same is left alone."""
    text = (
        f"[buildout]\nextends = {place.url}\n"
        f"shared-part-list ={list_paths(config.shared_parts)}\n"
        f"build-time-part-list ={list_paths(config.build_time_parts)}\n"
    )
    path = place.directory / "buildout.cfg"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def list_paths(paths: Sequence[Path]) -> str:
    return "".join(f"\n  {path}" for path in paths)


def build(place: ReleasePlace, host: Host, *, newest: bool = False) -> Outcome:
    """Build a release in its directory, with a ``bin/buildout`` of its own."""
    options = [*release_options(place, host.config), *(() if newest else ("-N",))]
    own = place.directory / "bin" / "buildout"
    if not own.exists():
        starter = bootstrapper(host.config)
        run_build(place, host, (*starter, "-U", *options, "bootstrap"), "bootstrap")
    return run_build(place, host, (*shebang(own), "-U", *options), "build")


def bootstrapper(config: NodeConfig) -> tuple[str, ...]:
    """Give the program that makes a ``bin/buildout``."""
    if config.buildout is not None:
        return (str(config.buildout),)
    return (str(config.python), "-c", BUILDOUT)


def release_options(place: ReleasePlace, config: NodeConfig) -> Iterator[str]:
    yield from ("-c", str(place.directory / "buildout.cfg"))
    yield f"buildout:directory={place.directory}"
    yield f"buildout:extends-cache={place.directory / 'extends-cache'}"
    cache = config.cache
    if cache.upload_cache_url and cache.upload_dir_url:
        yield "buildout:networkcache-section=networkcache"
        yield f"networkcache:upload-cache-url={cache.upload_cache_url}"
        yield f"networkcache:upload-dir-url={cache.upload_dir_url}"
        if cache.private_key is not None:
            yield f"networkcache:signature-private-key-file={cache.private_key}"


def run_build(place: ReleasePlace, host: Host, words: Sequence[str], what: str) -> Outcome:
    program = Program(
        words=words,
        directory=place.directory,
        account=place.account,
        seconds=host.config.release_timeout,
        log=place.log,
    )
    return run_buildout(program, f"{what} of {place.url}")


def write_instance_profile(place: PartitionPlace, release: ReleasePlace, text: str) -> None:
    """Write the profile of an instance: the release's own, and what the node adds to it."""
    place.folder.write("buildout.cfg", template_of(release) + text)


def template_of(release: ReleasePlace) -> str:
    for name in ("instance.cfg", "template.cfg"):
        path = release.directory / name
        if path.is_file():
            return path.read_text()
    raise BuildFailed(f"the release {release.url} has no instance.cfg for its instances")


def instantiate(place: PartitionPlace, release: ReleasePlace, host: Host) -> Outcome:
    """Make an instance in its partition, as its user."""
    own = release.directory / "bin" / "buildout"
    if not own.exists():
        own = bootstrap_instance(place, release, host)
    return run_instance(place, host, (*shebang(own), "-U"), "instance")


def bootstrap_instance(place: PartitionPlace, release: ReleasePlace, host: Host) -> Path:
    """Make a ``sbin/buildout`` for a release that has none to lend."""
    own = place.directory / "sbin" / "buildout"
    found = sorted(release.directory.glob("bin/bootstrap*"))
    if len(found) > 1:
        raise BuildFailed(f"the release {release.url} has more than one bin/bootstrap…")
    if found:
        run_instance(place, host, (str(found[0]),), "bootstrap")
    elif not own.exists():
        options = ("-U", f"buildout:bin-directory={own.parent}", "bootstrap")
        run_instance(place, host, (*bootstrapper(host.config), *options), "bootstrap")
    return own


def run_instance(
    place: PartitionPlace, host: Host, words: Sequence[str], what: str
) -> Outcome:
    program = Program(
        words=words,
        directory=place.directory,
        account=place.account,
        additions={"SLAPGRID_INSTANCE_ROOT": str(host.root)},
        seconds=host.config.partition_timeout,
        log=place.log,
    )
    return run_buildout(program, f"{what} in {place.name}")


def run_buildout(program: Program, what: str) -> Outcome:
    try:
        return require(program, what)
    except ProgramFailed as error:
        raise BuildFailed(f"{error}\n{explain(error.lines)}") from error
    except OSError as error:
        raise BuildFailed(f"{what}: {error.filename} can't be run: {error.strerror}") from error


def shebang(path: Path) -> tuple[str, ...]:
    """Give the words that run a script, whose own first line may be too long for the kernel."""
    with path.open("rb") as file:
        line = file.readline(4096).decode(errors="replace")
    return (*line[2:].split(), str(path)) if line.startswith("#!") else (str(path),)


def explain(lines: Sequence[str]) -> str:
    """Say what went wrong: what came just before, and at the end the part and the reason."""
    told = [line.rstrip() for line in lines if line.strip()]
    if not told:
        return "it has said nothing"
    at = next((n for n in reversed(range(len(told))) if ESSENCE.fullmatch(told[n])), len(told) - 1)
    reason = " ".join(told[at : at + 3]) if at + 3 >= len(told) else told[at]
    parts = [found[1] for found in map(PART.fullmatch, map(str.strip, told[: at + 1])) if found]
    before = told[max(0, at - ERROR_LINES) : at]
    return "\n".join([*before, f"{parts[-1]}: {reason}" if parts else reason])
