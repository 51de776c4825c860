# SPDX-License-Identifier: Apache-2.0
"""The ledger: a plain http.server handler with manual context propagation.

It extracts the incoming W3C context, works in a server span, and injects the
context into an outgoing requests.post, as the usual guide shows. AUDIT_URL
names the service behind it; exporter, endpoint and service name come from
OTEL_* variables. Prints {"listening": "host:port"} once it accepts connections.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

provider = TracerProvider()
provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("ledger", "1.2.0")


class Handler(BaseHTTPRequestHandler):
    """POST /entries writes a ledger entry and tells the audit service."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        token = attach(extract({k.lower(): v for k, v in self.headers.items()}))
        try:
            status, reply = self.write_entry(body)
        finally:
            detach(token)
        self.reply(status, reply)

    def write_entry(self, body):
        """Return the HTTP status and answer for an entry like {"amount": 42}."""
        with tracer.start_as_current_span(
            "POST /entries",
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": "POST",
                "http.route": "/entries",
                "url.path": self.path,
                "ledger.shards": [1, 2, 3],
                "ledger.balance": 12.5,
                "ledger.open": True,
                "ledger.owners": ["ariadne", "theseus"],
            },
        ) as span:
            try:
                amount = json.loads(body)["amount"]
                span.add_event("entry written", {"ledger.amount": amount})
                if amount < 0:
                    raise ValueError("negative amount")
                with tracer.start_as_current_span("POST audit", kind=SpanKind.CLIENT) as child:
                    headers = {}
                    inject(headers)
                    answer = requests.post(os.environ["AUDIT_URL"], json={"amount": amount}, headers=headers, timeout=5)
                    child.set_attribute("http.response.status_code", answer.status_code)
                status, reply = 200, {"entry": 1}
                span.set_status(Status(StatusCode.OK))
            except ValueError as err:
                span.record_exception(err)
                span.set_status(Status(StatusCode.ERROR, str(err)))
                status, reply = 422, {"error": str(err)}
            span.set_attribute("http.response.status_code", status)
            return status, reply

    def reply(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Keep stdout for the address line."""


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"listening": "%s:%d" % server.server_address}), flush=True)
    server.serve_forever()
    provider.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
