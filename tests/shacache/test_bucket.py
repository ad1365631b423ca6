"""Several servers over one bucket, which is moto's on the loopback."""

import hashlib
import http.client
import logging
import os
import threading
import time

import boto3
import pytest
from moto.server import ThreadedMotoServer

from shacache import bucket
from shacache import check
from shacache.settings import read_settings
from slapcore.errors import ConfigurationError
from slapcore.errors import Conflict
from slapcore.protocol import shadir
from tests.shacache.world import ANYBODY
from tests.shacache.world import KEY
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

DATA = b"what was built"
LARGE = os.urandom(1 << 20) * 40


@pytest.fixture(scope="module")
def endpoint():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint, monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="binaries")
    yield client
    for each in names(client):
        client.delete_object(Bucket="binaries", Key=each)
    client.delete_bucket(Bucket="binaries")


def names(client):
    return [each["Key"] for each in client.list_objects_v2(Bucket="binaries").get("Contents", ())]


@pytest.fixture
def make(s3, endpoint, tmp_path):
    """Make a cache of one server; all are over the same bucket."""
    made = []

    def make(**settings):
        folder = tmp_path / f"server-{len(made)}"
        where = {"s3_bucket": "binaries", "s3_prefix": "cache/", "s3_endpoint": endpoint}
        made.append(make_cache(folder, **where, **settings))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def doors(make, alice):
    one, other = make(), make()
    alice.register(one)
    # The other has seen that there was nothing.
    one.signers._ledger._looked = other.signers._ledger._looked = 0.0
    with serving(one) as first, serving(other) as second:
        yield first, second


def test_what_is_put_at_one_server_is_got_from_another(doors, alice):
    first, second = doors
    assert first.post(DATA).status_code == 201
    assert second.put_entry(KEY, alice.sign(about(DATA), KEY)).status_code == 201
    for door in doors:
        assert door.sums(KEY) == [sum_of(DATA)]
        answer = door.get(sum_of(DATA))
        assert (answer.status_code, answer.content) == (200, DATA)
        assert answer.headers["ETag"] == f'"{sum_of(DATA)}"'
        assert "immutable" in answer.headers["Cache-Control"]


def test_parts_are_got_and_what_is_not_there_is_said(doors):
    first, second = doors
    first.post(DATA)
    answer = second.get(sum_of(DATA), Range="bytes=5-8")
    assert (answer.status_code, answer.content) == (206, DATA[5:9])
    assert second.get(sum_of(DATA), Range="bytes=99-").status_code == 416
    assert second.get(sum_of(DATA), If_None_Match=f'"{sum_of(DATA)}"').status_code == 304
    assert second.ask("HEAD", f"/shacache/{sum_of(DATA)}").headers["Content-Length"] == "14"
    assert second.get(sum_of(b"other")).status_code == 404


def test_a_large_content_goes_in_parts(doors, s3):
    first, second = doors
    assert first.post(LARGE).text == sum_of(LARGE)
    found = s3.head_object(Bucket="binaries", Key=f"cache/contents/{sum_of(LARGE)}")
    assert found["ETag"].strip('"').endswith("-3")
    assert second.get(sum_of(LARGE)).content == LARGE
    assert (
        second.get(sum_of(LARGE), Range="bytes=20000000-20000009").content
        == (LARGE[20_000_000:20_000_010])
    )


def test_a_wrong_sum_leaves_nothing_in_the_bucket(doors, s3):
    first, _ = doors
    before = names(s3)
    assert first.put(DATA, sum_of(b"other")).status_code == 400
    assert names(s3) == before


def test_two_who_put_the_same_at_once_both_succeed(doors):
    answers = []
    threads = [
        threading.Thread(target=lambda door=door: answers.append(door.post(LARGE[:5_000_000])))
        for door in (*doors, *doors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert doors[0].get(sum_of(LARGE[:5_000_000])).content == LARGE[:5_000_000]


def test_no_entry_is_lost_when_servers_write_at_once(doors, alice):
    first, second = doors
    sums = [first.post(b"%d" % number).text for number in range(12)]
    answers = []

    def put(door, number):
        metadata = {"sha512": sums[number], "number": number}
        answers.append(door.put_entry("free", alice.sign(metadata)).status_code)

    threads = [
        threading.Thread(target=put, args=(doors[number % 2], number)) for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 12
    assert sorted(second.sums("free")) == sorted(sums)


def test_a_key_revoked_at_one_server_is_out_at_the_other_within_a_second(doors, alice):
    first, second = doors
    first.post(DATA)
    first.put_entry(KEY, alice.sign(about(DATA)))
    assert second.sums(KEY)
    first.cache.signers.revoke("alice")
    assert first.sums(KEY) == []
    time.sleep(bucket.FRESH_SECONDS + 0.05)
    assert second.sums(KEY) == []


def test_an_older_entry_is_refused_by_the_other_server_too(doors, alice):
    first, second = doors
    for data in (b"old", b"new"):
        first.post(data)
    now = time.time_ns() // 1000
    assert first.put_entry(KEY, alice.sign(about(b"new"), KEY, now)).status_code == 201
    assert second.put_entry(KEY, alice.sign(about(b"old"), KEY, now - 1)).status_code == 409


def fill(cache, data, alice=None):
    receipt = cache.store.receive(1 << 30)
    receipt.write(data)
    cache.keep(receipt)
    if alice is not None:
        cache.put_entry(f"key-{data.decode()}", shadir.write_entry(
            alice.sign({"sha512": sum_of(data)})
        ), ANYBODY)  # fmt: skip
    return sum_of(data)


def test_what_is_longest_of_no_use_goes_first(make, alice, monkeypatch):
    one, other = make(cap=3), make(cap=3)
    alice.register(one)
    for data in (b"1", b"2", b"3", b"4"):
        fill(one, data, alice)
        time.sleep(1.1)  # a bucket knows seconds
    one.store._touched.clear()
    one.store.touch(sum_of(b"1"), 0.5)
    gone = [each.what for each in check.carry_out(other, check.make_plan(other))]
    assert f"content {sum_of(b'2')}" in gone
    assert sum_of(b"1") in other.store
    assert one.look_up("key-1")
    assert not one.look_up("key-2")
    assert list(check.find_problems(other)) == []
    assert [each.sha512 for each in other.store.list()] == sorted(
        each for each in map(sum_of, (b"1", b"2", b"3", b"4")) if each in one.store
    )


def test_damage_is_found_and_put_aside(make, s3):
    cache = make()
    sha512 = fill(cache, DATA)
    assert list(check.scrub(cache, lambda stored: None)) == []
    s3.put_object(Bucket="binaries", Key=f"cache/contents/{sha512}", Body=b"damaged")
    (gone,) = check.scrub(cache, lambda stored: None)
    assert gone.what == f"content {sha512}"
    assert sha512 not in cache.store
    assert f"cache/quarantine/{sha512}" in names(s3)


def test_uploads_of_killed_servers_are_given_up(make, s3, monkeypatch):
    cache = make()
    s3.create_multipart_upload(Bucket="binaries", Key="cache/contents/x")
    monkeypatch.setattr(bucket, "UNFINISHED_SECONDS", 1e9)  # moto's begin in 2010
    assert cache.store.give_up_unfinished() == 0
    monkeypatch.setattr(bucket, "UNFINISHED_SECONDS", -10.0)
    gone = list(check.carry_out(cache, check.make_plan(cache)))
    assert [each.what for each in gone] == ["1 uploads"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="binaries")


def test_an_upload_that_fails_half_way_is_ended(make, s3, monkeypatch):
    cache = make()

    monkeypatch.setattr(bucket.Bucket, "ask", failing_at("upload_part", bucket.Bucket.ask))
    receipt = cache.store.receive(1 << 30)
    receipt.write(LARGE)
    with pytest.raises(OSError, match="gone"):
        cache.keep(receipt)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="binaries")
    assert not list(cache.settings.directory.glob("incoming/*"))


def failing_at(operation, ask):
    def asking(self, what, name, **more):
        if what == operation and more["PartNumber"] == 2:
            raise OSError(5, "the network has gone")
        return ask(self, what, name, **more)

    return asking


def test_a_bucket_that_is_gone_is_said_and_reading_goes_on_after_it(doors, s3, monkeypatch):
    first, _ = doors
    first.post(DATA)

    def fail(self, what, name, **more):
        raise OSError(5, "the bucket has failed")

    with monkeypatch.context() as broken:
        broken.setattr(bucket.Bucket, "ask", fail)
        assert first.get(sum_of(DATA)).status_code == 507
        assert first.post(b"more").status_code == 507
    assert first.get(sum_of(DATA)).content == DATA


def test_a_bucket_that_is_not_there_is_said(make, s3, endpoint, tmp_path):
    where = {"s3_bucket": "nothing", "s3_endpoint": endpoint}
    cache = make_cache(tmp_path / "other", **where)
    with pytest.raises((OSError, Conflict)):
        fill(cache, DATA)
    cache.close()


def test_who_only_looks_whether_it_is_there_costs_nothing(doors):
    first, second = doors
    first.post(LARGE)
    began = time.monotonic()
    for _ in range(10):
        connection = http.client.HTTPConnection("127.0.0.1", second.port, timeout=10)
        connection.request("GET", f"/shacache/{sum_of(LARGE)}")
        assert connection.getresponse().status == 200
        connection.close()
    assert time.monotonic() - began < 10
    assert hashlib.sha512(second.get(sum_of(LARGE)).content).hexdigest() == sum_of(LARGE)


def test_settings_name_a_bucket(tmp_path):
    path = tmp_path / "shacache.ini"
    path.write_text("[shacache]\ns3_bucket = b\ns3_prefix = cache/\ns3_endpoint = http://x:9\n")
    settings = read_settings(path, {})
    assert (settings.s3_bucket, settings.s3_prefix) == ("b", "cache/")
    path.write_text("[shacache]\ns3_bucket = b\naccel_location = /x\n")
    with pytest.raises(ConfigurationError, match="accel_location"):
        make_cache(tmp_path / "c", s3_bucket="b", accel_location="/x")
