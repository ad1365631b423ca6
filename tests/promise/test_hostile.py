"""Promises that hang, fork, flood, or lie: they harm nobody but themselves."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slapcore.promise.launcher import Launcher
from slapcore.promise.launcher import PromisesUnknown
from tests.promise.world import Partition
from tests.promise.world import messages
from tests.promise.world import results

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

TIMED_OUT = "Error: Promise timed out after 1 seconds"


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_one_that_hangs_is_ended_and_the_others_go_on(hurried):
    hurried.add("hang", "import time; time.sleep(60)")
    hurried.add("good")
    begun = time.monotonic()
    assert messages(hurried.check()) == {"hang": TIMED_OUT, "good": "fine"}
    assert time.monotonic() - begun < 5


def test_one_that_refuses_to_end_is_killed(hurried):
    hurried.add(
        "deaf",
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open('pid', 'w').write(str(os.getpid()))
        time.sleep(60)
        """,
        head="import os",
    )
    assert messages(hurried.check()) == {"deaf": TIMED_OUT}
    assert wait_until_dead(int((hurried.folder / "pid").read_text()))


def test_a_hung_look_is_an_anomaly_only_when_the_one_before_failed_too(hurried):
    hurried.add("hang", "import time; time.sleep(60)")
    assert results(hurried.check(anomaly=True, force=True)) == {"hang": False}
    assert results(hurried.check(force=True)) == {"hang": True}
    assert results(hurried.check(anomaly=True, force=True)) == {"hang": True}


def test_a_hung_promise_keeps_its_period(hurried):
    hurried.add("hang", "import time; time.sleep(60)")
    hurried.check()
    assert hurried.check().looked == set()


def test_hung_executables_end_with_all_they_started(hurried):
    hurried.add_executable("hang", "sleep 60 & echo $! > pid; wait")
    assert messages(hurried.check()) == {"hang": TIMED_OUT}
    assert wait_until_dead(int((hurried.folder / "pid").read_text()))


def test_nothing_is_left_of_what_a_promise_started_elsewhere(partition):
    partition.add(
        "daemon",
        """
        if not os.fork():
            os.setsid()
            if not os.fork():
                open('pid', 'w').write(str(os.getpid()))
                time.sleep(60)
            os._exit(0)
        while not os.path.exists('pid') or not open('pid').read():
            time.sleep(0.01)
        self.logger.info('started')
        """,
        head="import os, time",
    )
    assert messages(partition.check()) == {"daemon": "started"}
    assert wait_until_dead(int((partition.folder / "pid").read_text()))


def test_what_is_printed_is_bounded(partition):
    partition.add_executable("flood", "head -c 100000000 /dev/zero | tr '\\0' x; exit 1")
    partition.add(
        "print", "for _ in range(100000): print('x' * 1000)\nself.logger.info('printed')"
    )
    found = messages(partition.check())
    assert found["print"] == "printed"
    assert 1000 < len(found["flood"]) <= 5003


def test_what_is_logged_is_bounded(partition):
    partition.add("one", "for _ in range(100000): self.logger.error('x' * 10000)")
    for _ in range(6):
        assert results(partition.check(force=True)) == {"one": True}
    log = partition.folder / ".slapgrid/promise/log/one.log"
    assert log.stat().st_size < 2**21
    assert len(partition.state()["result"]["message"]) <= 5003


def test_a_written_file_has_an_end(partition):
    sense = """
        with open('big', 'wb') as file:
            for _ in range(40):
                file.write(b'x' * 2**23)
    """
    partition.add("one", sense)
    assert "File too large" in messages(partition.check())["one"]
    (partition.folder / "big").unlink()


def test_memory_has_an_end(partition):
    partition.add("one", "x = bytearray(2**32); self.logger.info('%s', len(x))")
    assert messages(partition.check()) == {"one": "MemoryError"}


def test_one_that_dies_says_how(partition):
    partition.add("one", "print('half way', flush=True); os.kill(os.getpid(), 9)", head="import os")
    text = "the promise has ended by signal 9 and gave no result, having printed: half way"
    assert messages(partition.check()) == {"one": f"Error: {text}"}


@pytest.mark.parametrize(
    "lie",
    [
        "null",
        "[]",
        '{"kind": "Test Result", "problem": false, "message": 1}',
        '{"kind": "Good", "problem": false, "message": ""}',
        '{"kind": "Test Result", "problem": false, "message": "", "periodicity": -1.0}',
        "[" * 60000,
    ],
)
def test_a_result_that_is_none_is_not_believed(partition, lie):
    sense = f"""
        for number in range(3, 20):
            try:
                os.write(number, {lie.encode()!r})
            except OSError:
                pass
        os._exit(0)
    """
    partition.add("one", sense, head="import os")
    assert "gave no result" in messages(partition.check())["one"]


def test_a_keeper_that_is_killed_is_told_and_the_next_partition_is_kept(open_folder, launcher):
    bad, good = (Partition(open_folder, launcher, name) for name in ("bad", "good"))
    bad.add("one", "os.kill(os.getppid(), 9); time.sleep(9)", head="import os, time")
    good.add("one")
    with pytest.raises(PromisesUnknown, match=r"the promises of bad: the keeper .* ended with -9"):
        bad.check()
    assert results(good.check()) == {"one": False}


def test_the_warm_process_is_started_again(open_folder):
    with Launcher() as launcher:
        partition = Partition(open_folder, launcher)
        partition.add("one")
        partition.check()
        os.kill(launcher.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while launcher.pid and time.monotonic() < deadline:
            time.sleep(0.01)
        assert results(partition.check()) == {"one": False}


def test_a_look_is_broken_off_when_the_launcher_is_closed(open_folder):
    launcher = Launcher(timeout=60)
    partition = Partition(open_folder, launcher)
    sense = "open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    partition.add("one", sense, head="import os, time")
    with ThreadPoolExecutor() as executor:
        asked = executor.submit(partition.check)
        path = partition.folder / "pid"
        while not path.exists() or not path.read_text():
            time.sleep(0.01)
        launcher.close()
        with pytest.raises(PromisesUnknown, match="has ended with 0"):
            asked.result(10)
    assert wait_until_dead(int(path.read_text()))


@pytest.mark.parametrize("damage", ["{", "[]", '{"one.py": 3}', '{"one.py": {"next": "x"}}'])
def test_damaged_files_of_ours_are_made_again(partition, damage):
    partition.add("one")
    partition.check()
    for name in ("schedule.json", "state.json", "result/one.status.json"):
        partition.write(f".slapgrid/promise/{name}", damage)
    partition.write(".slapgrid/promise/public/one.history.json", damage)
    assert results(partition.check()) == {"one": False}
    assert partition.check(force=True).looked == {"one.py"}


def test_files_of_ours_that_are_no_files_stop_nothing(hurried):
    hurried.add("one")
    hurried.check()
    for name in ("schedule.json", "result/one.status.json"):
        path = hurried.folder / ".slapgrid/promise" / name
        path.unlink()
        os.mkfifo(path)
    assert results(hurried.check()) == {"one": False}


#: A user that nobody else is, not even another test.
STRANGER = 61237


def give_to_stranger(partition) -> None:
    for path in (partition.folder, *partition.folder.rglob("*")):
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)


@needs_root
def test_promises_run_as_the_owner_of_the_partition(partition):
    who = "self.logger.info('%s %s %s', os.getresuid(), os.getresgid(), os.getgroups())"
    partition.add("one", who, head="import os")
    partition.add_executable("two", "id -u; grep NoNewPrivs /proc/self/status")
    give_to_stranger(partition)
    found = messages(partition.check())
    ids = (STRANGER, STRANGER, STRANGER)
    assert found["one"] == f"{ids} {ids} [{STRANGER}]"
    assert found["two"].split() == [str(STRANGER), "NoNewPrivs:", "1"]
    kept = partition.folder / ".slapgrid/promise/result/one.status.json"
    assert kept.stat().st_uid == STRANGER


@needs_root
def test_a_link_out_of_the_partition_is_not_written_through(partition, open_folder):
    victim = open_folder / "victim"
    victim.mkdir()
    partition.add("one")
    (partition.folder / ".slapgrid").mkdir()
    (partition.folder / ".slapgrid/promise").symlink_to(victim)
    give_to_stranger(partition)
    with pytest.raises(PromisesUnknown, match="Permission denied"):
        partition.check()
    assert list(victim.iterdir()) == []


@needs_root
def test_another_partition_can_not_be_read_from_a_promise(open_folder, launcher):
    own, other = (Partition(open_folder, launcher, name) for name in ("own", "other"))
    other.write("secret", "s3cret")
    other.folder.chmod(0o750)
    own.add("one", f"self.logger.info(open({str(other.folder / 'secret')!r}).read())")
    give_to_stranger(own)
    assert "Permission denied" in messages(own.check())["one"]


@needs_root
def test_a_promise_can_not_signal_what_looks_at_others(partition, launcher):
    partition.add("one", "os.kill(int(open('warm').read()), 0)", head="import os")
    partition.add("two")
    partition.check(only=("two.py",))
    partition.write("warm", str(launcher.pid))
    give_to_stranger(partition)
    assert "Operation not permitted" in messages(partition.check(force=True))["one"]


@needs_root
def test_a_bomb_that_forks_is_ended(hurried):
    bomb = """
        for _ in range(300):
            if not os.fork():
                os.setsid()
                time.sleep(60)
        time.sleep(60)
    """
    hurried.add("bomb", bomb, head="import os, time")
    hurried.add("good")
    give_to_stranger(hurried)
    found = messages(hurried.check())
    assert found == {"bomb": TIMED_OUT, "good": "fine"}
    deadline = time.monotonic() + 5
    while list_processes(STRANGER) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list_processes(STRANGER)


def list_processes(uid: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            try:
                if entry.stat().st_uid == uid:
                    found.append(entry.name)
            except OSError:
                continue
    return found
