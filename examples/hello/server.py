"""A web server of one page: the greeting of an instance, or of a share in it."""

import json
import sys
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from urllib.parse import unquote

from jinja2 import Environment

PAGE = Environment(autoescape=True).from_string(
    """<!DOCTYPE html>
<title>{{ title }}</title>
<h1>{{ greeting }}</h1>
<p>This is {{ title }}, of type {{ software_type }}.</p>
{% if shared %}<ul>
{% for share in shared %}<li><a href="/{{ share.reference }}">{{ share.title }}</a></li>
{% endfor %}</ul>
{% endif %}"""
)


class GreetingHandler(BaseHTTPRequestHandler):
    """Answers with the page of the instance, or of the share whose reference is the path."""

    def do_GET(self) -> None:
        page = self.find_page(unquote(self.path).strip("/"))
        if page is None:
            self.send_error(404)
            return
        body = PAGE.render(page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def find_page(self, reference: str) -> dict | None:
        whole = self.server.configuration
        if not reference:
            return whole
        share = next((share for share in whole["shared"] if share["reference"] == reference), None)
        return share and {**share, "software_type": "share", "shared": []}

    def log_message(self, message: str, *arguments: object) -> None:
        with open(self.server.configuration["log"], "a") as log:
            log.write(message % arguments + "\n")


def main() -> None:
    with open(sys.argv[1]) as file:
        configuration = json.load(file)
    server = ThreadingHTTPServer((configuration["address"], configuration["port"]), GreetingHandler)
    server.configuration = configuration
    server.serve_forever()


if __name__ == "__main__":
    main()
