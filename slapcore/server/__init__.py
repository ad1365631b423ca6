"""The web server of master and cache: HTTP/1.1 with and without TLS, for WSGI applications."""
