"""nginx in front: it sends the contents itself, and uploads stream through it."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from tests.served import free_port
from tests.shacache.world import KEY
from tests.shacache.world import Door
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
DATA = os.urandom(3_000_000)

CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_request_buffering off;
            client_max_body_size 0;
        }}
        location /contents/ {{
            internal;
            alias {cache}/contents/;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder, **places):
    path = folder / "nginx.conf"
    path.write_text(CONFIGURATION.format(folder=folder, **places))
    # The worker must be able to read what the account that runs the tests has made.
    directive = "user root;" if os.getuid() == 0 else ""
    process = subprocess.Popen(
        [NGINX, "-p", folder, "-c", path, "-g", directive],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(places["port"])
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nginx does not answer")


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_sends_what_the_cache_lets_it(folder, tmp_path, alice):
    cache = make_cache(folder, accel_location="/contents")
    alice.register(cache)
    with serving(cache) as behind:
        port = free_port()
        with nginx(tmp_path, port=port, behind=behind.port, cache=folder):
            front = Door(cache, f"http://127.0.0.1:{port}", port)
            assert front.post(DATA).text == sum_of(DATA)
            assert front.put_entry(KEY, alice.sign(about(DATA), KEY)).status_code == 201
            assert front.sums(KEY) == [sum_of(DATA)]
            assert behind.get(sum_of(DATA)).content == b""
            answer = front.get(sum_of(DATA))
            assert answer.content == DATA
            assert "immutable" in answer.headers["Cache-Control"]
            assert front.get(sum_of(DATA), Range="bytes=-7").content == DATA[-7:]
            assert front.get("0" * 128).status_code == 404
            direct = requests.get(f"{front.url}/contents/{sum_of(DATA)[:2]}", timeout=5)
            assert direct.status_code == 404
