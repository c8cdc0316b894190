#!/usr/bin/env python3
"""A token endpoint that insists on its client's secret: token_service.py PORT SECRET-FILE SIMULATOR-PORT.

What comes with the secret that the file holds now goes on to the simulator's endpoint; anything else is
`invalid_client` (RFC 6749, section 5.2)."""

import base64
import http.server
import sys
import urllib.error
import urllib.parse
import urllib.request

port, secret_file, simulator = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(secret_file) as file:
            expected = file.read().strip()
        if self.secret(body) != expected:
            return self.answer(401, b'{"error":"invalid_client","error_description":"the secret is not this one"}')
        request = urllib.request.Request(
            f"http://127.0.0.1:{simulator}/token", body, {"Content-Type": "application/x-www-form-urlencoded"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                self.answer(reply.status, reply.read())
        except urllib.error.HTTPError as refusal:
            self.answer(refusal.code, refusal.read())

    def secret(self, body):
        header = self.headers.get("Authorization", "")
        if header.startswith("Basic "):
            pair = base64.b64decode(header[6:]).decode()
            return urllib.parse.unquote_plus(pair.partition(":")[2])
        return urllib.parse.parse_qs(body.decode()).get("client_secret", [""])[0]

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Endpoint)
print("listening", flush=True)
server.serve_forever()
