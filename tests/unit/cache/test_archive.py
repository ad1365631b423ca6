"""Archives: a directory comes back as it was, and nothing gets out of where it belongs."""

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from slapcore.cache.archive import Limits
from slapcore.cache.archive import pack
from slapcore.cache.archive import unpack
from slapcore.errors import ProtocolError


def member(name, kind=tarfile.REGTYPE, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data)
    for attribute, value in {"mtime": 1_000_000_000, **more}.items():
        setattr(info, attribute, value)
    return info, data


def archive(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data) if data else None)
    file.seek(0)
    return file


TOP = member("release", tarfile.DIRTYPE, mode=0o755)


def inside(name, *arguments, **more):
    return archive(TOP, member(f"release/{name}", *arguments, **more))


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "from" / "release"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "program").write_bytes(b"#!/bin/sh\n" * 200_000)
    (folder / "bin" / "program").chmod(0o755)
    os.link(folder / "bin" / "program", folder / "bin" / "again")
    (folder / "lib").symlink_to("bin")
    (folder / "here").symlink_to(tmp_path / "to" / "release" / "bin")
    (folder / "empty").mkdir(mode=0o700)
    (folder / "secret").write_text("x")
    (folder / "secret").chmod(0o600)
    (tmp_path / "to").mkdir()
    for number, path in enumerate([*folder.rglob("*"), folder]):
        os.utime(path, (number, 1_000_000_000 + number), follow_symlinks=False)
    return folder


def listed(folder):
    return {
        str(path.relative_to(folder)): (
            stat.filemode(path.lstat().st_mode),
            os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes(),
            int(path.lstat().st_mtime),
        )
        for path in folder.rglob("*")
    }


def test_what_was_packed_comes_back_as_it_was(built, tmp_path):
    file = io.BytesIO()
    seen = []
    pack(built, file, seen.append)
    assert sum(seen) >= 2_000_000
    file.seek(0)
    unpack(file, tmp_path / "to" / "release")
    assert listed(tmp_path / "to" / "release") == listed(built)
    program = tmp_path / "to" / "release" / "bin" / "program"
    assert program.samefile(program.with_name("again"))
    assert os.listdir(tmp_path / "to") == ["release"]


def test_packing_twice_gives_the_same_bytes(built):
    first, second = io.BytesIO(), io.BytesIO()
    for file in (first, second):
        pack(built, file, lambda number: None)
    assert first.getvalue() == second.getvalue()


BAD = {
    "an absolute name": archive(TOP, member("/etc/passwd", data=b"x")),
    "a name that goes up": inside("../outside", data=b"x"),
    "a name beside": archive(TOP, member("other/file", data=b"x")),
    "a name through a link": archive(
        TOP,
        member("release/out", tarfile.SYMTYPE, linkname="."),
        member("release/out/file", data=b"x"),
    ),
    "a directory through a link": archive(
        TOP,
        member("release/out", tarfile.SYMTYPE, linkname="."),
        member("release/out", tarfile.DIRTYPE, mode=0o755),
    ),
    "a link instead of the directory": archive(
        member("release", tarfile.SYMTYPE, linkname="."), member("release/file", data=b"x")
    ),
    "a link up": inside("link", tarfile.SYMTYPE, linkname="../../etc"),
    "a link that goes up on its way": inside("link", tarfile.SYMTYPE, linkname="here/../.."),
    "an absolute link": inside("link", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a link to nowhere": inside("link", tarfile.SYMTYPE, linkname="/etc\0"),
    "a hard link out": inside("link", tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a hard link to a link": archive(
        TOP,
        member("release/one", tarfile.SYMTYPE, linkname="two"),
        member("release/two", tarfile.LNKTYPE, linkname="release/one"),
    ),
    "a hard link to what comes later": inside("a", tarfile.LNKTYPE, linkname="release/b"),
    "a device": inside("disk", tarfile.BLKTYPE, devmajor=8),
    "a terminal": inside("tty", tarfile.CHRTYPE, devmajor=5),
    "a pipe": inside("pipe", tarfile.FIFOTYPE),
    "a program as root": inside("su", data=b"x", mode=0o4755),
    "a program as a group": inside("wall", data=b"x", mode=0o2755),
    "a directory that gives its group": inside("dir", tarfile.DIRTYPE, mode=0o2755),
    "a file twice": archive(TOP, member("release/a", data=b"x"), member("release/a", data=b"y")),
    "a file below a file": archive(
        TOP, member("release/a", data=b"x"), member("release/a/b", data=b"y")
    ),
    "nothing": archive(),
    "a file alone": archive(member("release", data=b"x")),
    "no archive": io.BytesIO(b"what is this"),
    "half of one": io.BytesIO(inside("a", data=os.urandom(100_000)).getvalue()[:60_000]),
    "no tar in the gzip": io.BytesIO(gzip.compress(b"x" * 5000)),
    "a time that can't be": inside("a", data=b"x", mtime=1e300),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_allowed_is_refused_and_leaves_nothing(what, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    BAD[what].seek(0)
    with pytest.raises(ProtocolError):
        unpack(BAD[what], place / "release")
    assert os.listdir(place) == []
    assert os.listdir(tmp_path) == ["place"]


@pytest.mark.parametrize("limits", [Limits(bytes=99), Limits(members=1)])
def test_more_than_is_allowed_is_refused(limits, tmp_path):
    with pytest.raises(ProtocolError, match="more is in the archive"):
        unpack(inside("a", data=b"x" * 100), tmp_path / "release", limits)
    assert os.listdir(tmp_path) == []


def test_links_may_lead_to_places_that_are_allowed(tmp_path):
    limits = Limits(links_to=(Path("/opt/shared"),))
    link = inside("link", tarfile.SYMTYPE, linkname="/opt/shared/part/lib.so")
    unpack(link, tmp_path / "release", limits)
    assert os.readlink(tmp_path / "release" / "link") == "/opt/shared/part/lib.so"
    with pytest.raises(ProtocolError, match="out of the directory"):
        unpack(
            inside("link", tarfile.SYMTYPE, linkname="/opt/shared-not/x"),
            tmp_path / "other",
            limits,
        )


def test_what_is_there_already_stays(tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "old").write_text("x")
    with pytest.raises(ProtocolError, match="there already"):
        unpack(inside("new", data=b"x"), tmp_path / "release")
    assert os.listdir(tmp_path / "release") == ["old"]
    assert os.listdir(tmp_path) == ["release"]
