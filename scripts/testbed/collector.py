#!/usr/bin/python3
"""A collector of spans that believes nothing: what it gets has to be an ExportTraceServiceRequest to protobuf's own
reader, and every name one of the semantic conventions. Each span becomes a line of JSON.

    PYTHONPATH=.build/python scripts/testbed/collector.py PORT_FILE SPANS_FILE
"""
import base64
import importlib
import json
import os
import pkgutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
# Of the conventions, but not in their package: OpenTelemetry's words for itself.
OWN = "leave_album."


def known_names() -> set[str]:
    """All attributes of the conventions."""
    names = set()
    for package in ("opentelemetry.semconv.attributes", "opentelemetry.semconv._incubating.attributes"):
        module = importlib.import_module(package)
        for found in pkgutil.iter_modules(module.__path__):
            names |= {value for value in vars(importlib.import_module(f"{package}.{found.name}")).values()
                      if isinstance(value, str) and "." in value}
    return names


def with_base64(value: object) -> object:
    """The same, with identifiers as protobuf's JSON has bytes. Taken for base64 as they are, 32 hexadecimal digits would
    be some other identifier, without a word."""
    if isinstance(value, list):
        return [with_base64(element) for element in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, element in value.items():
        if name in IDS:
            if len(element) != IDS[name]:
                raise ValueError(f"{name} has {len(element)} digits")
            made[name] = base64.b64encode(bytes.fromhex(element)).decode()
        else:
            made[name] = with_base64(element)
    return made


def plain(attributes) -> dict[str, object]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


def spans_of(body: bytes, known: set[str]) -> list[dict]:
    request = json_format.ParseDict(with_base64(json.loads(body)), ExportTraceServiceRequest())
    spans = []
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                names = {item.key for item in span.attributes} | {
                    item.key for event in span.events for item in event.attributes}
                unknown = sorted(name for name in names if name not in known and not name.startswith(OWN))
                if unknown:
                    raise ValueError(f"names that no convention has: {unknown}")
                spans.append({
                    "trace": span.trace_id.hex(), "span": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                    "state": span.trace_state, "flags": span.flags, "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    "start": span.start_time_unix_nano, "end": span.end_time_unix_nano,
                    "attributes": plain(span.attributes),
                    "events": [{"name": event.name, "at": event.time_unix_nano, **plain(event.attributes)}
                               for event in span.events],
                    "links": [{"trace": link.trace_id.hex(), "span": link.span_id.hex()} for link in span.links],
                    "failed": span.status.code == 2, "message": span.status.message,
                    "resource": plain(group.resource.attributes), "schemas": [group.schema_url, scope.schema_url],
                })
    return spans


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            if self.headers["content-type"] != "application/json":
                raise ValueError("its content-type is another")
            spans = spans_of(body, self.server.known)
            for span in spans:
                span["path"], span["authorization"] = self.path, self.headers["authorization"]
            status, answer = 200, b"{}"
        except Exception as error:
            spans, status, answer = [{"error": f"{error!r} in {body[:2000]!r}"}], 400, repr(error).encode()
        with self.server.lock:
            # Whole lines for whoever reads while this writes.
            for span in spans:
                self.server.spans.write(json.dumps(span) + "\n")
            self.server.spans.flush()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words: object) -> None:
        pass


def main(port_file: str, spans_file: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.lock, server.known = Lock(), known_names()
    server.spans = open(spans_file, "a")
    with open(port_file + ".new", "w") as file:
        file.write(f"{server.server_port}\n")
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
