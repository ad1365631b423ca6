"""As root: what one partition's user can do to another, and to the node; tried, not assumed.

Partitions have users of their own; a program runs as one of them and tries to cross.  The format of
a machine is tried in a network namespace.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from slapcore.node.process import Account
from slapcore.node.process import Program
from slapcore.node.process import run
from slapmaster.demo.process import is_running
from tests.node.place import URL
from tests.node.place import Place
from tests.node.place import make_place
from tests.node.place import wait_until

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can make users"),
    pytest.mark.skipif(shutil.which("useradd") is None, reason="useradd is missing"),
]

USERS = ("slaptest-a", "slaptest-b")


@pytest.fixture(scope="module")
def place():
    """Two partitions with users of their own; in each a program runs."""
    place = make_place(2)
    try:
        for index, user in enumerate(USERS):
            home = str(place.partition(f"slappart{index}"))
            if not has_user(user):
                subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", user],
                               check=True)  # fmt: skip
            found = pwd.getpwnam(user)
            for path in (Path(home), Path(home) / ".slapos-resource"):
                os.chown(path, found.pw_uid, found.pw_gid)
        place.add_release()
        for name in ("slappart0", "slappart1"):
            place.master.order(name, URL)
        assert place.run().failed == {}
        yield place
    finally:
        place.end()
        for user in USERS:
            subprocess.run(["userdel", user], check=False)


def has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def as_first(place: Place, script: str):
    """Run a script as the user of the first partition."""
    found = pwd.getpwnam(USERS[0])
    return run(Program(
        words=("/bin/sh", "-c", script), directory=place.partition("slappart0"),
        account=Account(found.pw_uid, found.pw_gid, (found.pw_gid,)),
    ))  # fmt: skip


def pid_of(place: Place, name: str) -> int:
    return place.programs()[f"{name}:web-on-watch"].pid


def status_of(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_can_do_in_its_own_what_it_likes(place):
    assert as_first(place, "echo hello > own && cat own").lines == ("hello",)


@pytest.mark.parametrize("script", [
    "ls {other}", "cat {other}/buildout.cfg", "echo x > {other}/buildout.cfg", "rm {other}/ran",
    "echo x > {other}/new", "mv {other} {other}-gone", "ls {root}/etc", "ls {root}/var/log",
    "cat {root}/var/slapnode/partitions/slappart1.json", "ls {root}/var/output/slappart1",
    "echo x > {software}/instance.cfg", "rm {software}/.completed", "kill {pid}", "kill -9 {pid}",
    "cat /proc/{pid}/environ", "mkdir {root}/slappart9",
    "echo $$ > {group}/slappart1/cgroup.procs", "kill {supervisord}",
])  # fmt: skip
def test_it_can_do_nothing_elsewhere(place, script):
    host = place.host
    words = {
        "other": place.partition("slappart1"), "root": host.root, "pid": pid_of(place, "slappart1"),
        "software": host.release(URL).directory, "group": host.groups.root,
        "supervisord": (host.run / "supervisord.pid").read_text().strip(),
    }  # fmt: skip
    outcome = as_first(place, script.format(**words))
    assert outcome.code != 0, outcome.lines
    assert pid_of(place, "slappart1")


def test_it_cannot_speak_to_supervisord(place):
    outcome = as_first(place, CONNECT.format(python="/usr/bin/python3", socket=place.host.socket))
    assert outcome.code != 0
    assert "Permission" in " ".join(outcome.lines)
    assert place.host.socket.stat().st_mode & 0o777 == 0o600


CONNECT = """{python} -c "
import socket
socket.socket(socket.AF_UNIX).connect('{socket}')
" """


def test_its_programs_are_its_user_s_and_gain_nothing(place):
    found = pwd.getpwnam(USERS[0])
    status = status_of(pid_of(place, "slappart0"))
    assert status["Uid"].split() == [str(found.pw_uid)] * 4
    assert status["Gid"].split() == [str(found.pw_gid)] * 4
    assert status["NoNewPrivs"].strip() == "1"
    assert int(status["CapEff"], 16) == 0
    assert "0" not in status["Groups"].split()


def test_its_programs_get_nothing_of_the_agent_s_environment(place):
    environ = Path(f"/proc/{pid_of(place, 'slappart0')}/environ").read_bytes().split(b"\0")
    names = {line.split(b"=")[0].decode() for line in environ if line}
    ours = {"PATH", "HOME", "USER", "LOGNAME", "PYTHONNOUSERSITE", "TZ", "TEST_SESSION_ID"}
    allowed = {*ours, "PWD", "LC_CTYPE"}  # made by the shell, and by the Python of supervisord
    assert {name for name in names if not name.startswith("SUPERVISOR_")} <= allowed


def test_a_link_in_the_place_of_a_file_is_not_followed(place):
    victim = place.directory / "victim"
    victim.write_text("of root")
    victim.chmod(0o600)
    script = "rm -f .timestamp buildout.cfg; ln -s {0} .timestamp; ln -s {0} buildout.cfg"
    assert as_first(place, script.format(victim)).code == 0
    place.master.change("slappart0", timestamp=2)
    assert place.run().failed == {}
    assert victim.read_text() == "of root"
    assert (place.partition("slappart0") / ".timestamp").read_text() == "2"
    assert not (place.partition("slappart0") / ".timestamp").is_symlink()


def test_a_pipe_in_the_place_of_a_file_stops_nobody(place):
    as_first(place, "rm -f .timestamp; mkfifo .timestamp")
    place.master.change("slappart0", timestamp=3)
    assert place.run().failed == {}


def test_what_it_leaves_running_is_ended_with_it(place):
    if not place.host.groups.is_usable:
        pytest.skip("there are no control groups here")
    script = place.host.release(URL).directory / "bin" / "buildout"
    before = script.read_text()
    runaway = "cat > run-away <<END\n#!/bin/sh\nsetsid sleep 4321 &\nexec sleep 3600\nEND\n"
    script.write_text(before + runaway + "chmod 700 run-away\nmv run-away etc/service/away\n")
    place.master.change("slappart1", timestamp=2)
    assert place.run().failed == {}
    wait_until(lambda: len(place.host.groups.pids("slappart1")) == 3)
    pids = place.host.groups.pids("slappart1")
    place.master.change("slappart1", state="stopped", timestamp=3)
    place.run()
    assert not [pid for pid in pids if is_running(pid)]
    script.write_text(before)


# the format of a machine, in a network of its own

DEFINITION_FREE = """[slapos]
computer_id = COMP-1
master_url = http://127.0.0.1:9/
software_root = {0}/soft
instance_root = {0}/inst
[slapformat]
partition_amount = 2
partition_base_name = slappart
user_base_name = slaptest-f
software_user = slaptest-s
tap_base_name = slaptestt
interface_name = lo
ipv4_local_network = 10.77.0.0/24
create_tap = {1}
computer_xml = {0}/state.xml
"""

FORMAT = """
set -e
ip link set lo up
ip address add 2001:db8:77::1/64 dev lo nodad
{program} --cfg {config} format {options} || test $? = 2
ip -json address show dev lo > {out}
"""


@pytest.fixture
def machine():
    directory = Path(tempfile.mkdtemp(prefix="format-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)
    for name in ("slaptest-f0", "slaptest-f1", "slaptest-s"):
        subprocess.run(["userdel", name], check=False, capture_output=True)


def format_machine(directory: Path, *options: str, tap: bool = False) -> str:
    """Format in a network namespace of its own; what it said."""
    config = directory / "slapos.cfg"
    config.write_text(DEFINITION_FREE.format(directory, "true" if tap else "false"))
    script = FORMAT.format(
        program=Path(sys.executable).with_name("slapnode"), config=config,
        options=" ".join(options), out=directory / "addresses.json",
    )  # fmt: skip
    command = ["unshare", "--net", "/bin/sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Operation not permitted" in done.stderr or "Unknown device type" in done.stderr:
        pytest.skip(f"no network namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def addresses_in(directory: Path) -> set[str]:
    (told,) = json.loads((directory / "addresses.json").read_text())
    return {each["local"] for each in told["addr_info"]}


def test_a_dry_run_says_what_would_be_done_and_does_nothing(machine):
    told = format_machine(machine, "--dry-run")
    assert "add the user slaptest-f0" in told
    assert "add the address 10.77.0.1/32 to lo" in told
    assert not has_user("slaptest-f0")
    assert not (machine / "inst").exists()


def test_users_directories_and_addresses_are_made(machine):
    format_machine(machine)
    for index in range(2):
        found = pwd.getpwnam(f"slaptest-f{index}")
        path = machine / "inst" / f"slappart{index}"
        assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (found.pw_uid, 0o750)
        assert json.loads((path / ".slapos-resource").read_text())["reference"] == path.name
        groups = os.getgrouplist(found.pw_name, found.pw_gid)
        assert pwd.getpwnam("slaptest-s").pw_gid in groups
    wanted = {"10.77.0.1", "10.77.0.2", "2001:db8:77::2", "2001:db8:77::3"}
    assert wanted <= addresses_in(machine)


def test_formatting_again_in_a_new_network_gives_the_same_addresses(machine):
    format_machine(machine)
    before = addresses_in(machine)
    told = format_machine(machine)
    assert addresses_in(machine) == before
    assert "add the user" not in told


def test_taps_are_made_for_virtual_machines(machine):
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no taps")
    assert "make the tap slaptestt0 of slaptest-f0" in format_machine(machine, tap=True)


def test_a_hanging_program_is_ended_with_its_children(place):
    found = pwd.getpwnam(USERS[0])
    outcome = run(Program(
        words=("/bin/sh", "-c", "sleep 987 & echo begun; sleep 987"), seconds=1.0,
        directory=place.partition("slappart0"), account=Account(found.pw_uid, found.pw_gid),
    ))  # fmt: skip
    assert outcome.too_slow
    assert outcome.lines == ("begun",)
    assert outcome.code == -signal.SIGKILL
    left = subprocess.run(["pgrep", "-f", "sleep 987"], capture_output=True, text=True)
    assert not left.stdout
