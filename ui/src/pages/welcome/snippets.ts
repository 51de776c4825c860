// SPDX-License-Identifier: Apache-2.0

// How to send the first span, with the addresses this very server has.

export interface Endpoints {
  /** OTLP over HTTP, such as `http://127.0.0.1:4318`; null when the listener is off. */
  readonly otlpHttp: string | null;
  /** OTLP over gRPC, such as `http://127.0.0.1:4317`; null when off. */
  readonly otlpGrpc: string | null;
  /** Only programs on the server's own machine reach it. */
  readonly loopbackOnly: boolean;
}

export interface Snippet {
  readonly id: string;
  readonly title: string;
  /** One sentence on what the code does. */
  readonly about: string;
  readonly steps: readonly { readonly label: string; readonly code: string }[];
}

const anyHost = new Set(["0.0.0.0", "::", "[::]", ""]);

/** Splits "host:port", with brackets round an IPv6 host or without a host. */
function splitAddress(address: string): { host: string; port: string } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, Math.max(0, at)), port: address.slice(at + 1) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || host.startsWith("127.");
}

/** The endpoints as a program on the reader's side names them: a server that listens everywhere is named as the page was. */
export function endpoints(addresses: Readonly<Record<string, string>>, pageHost: string): Endpoints {
  const url = (name: string): string | null => {
    const address = addresses[name];
    if (address === undefined || address === "" || address === "off") return null;
    const { host, port } = splitAddress(address);
    return `http://${anyHost.has(host) ? pageHost : host}:${port}`;
  };
  const own = splitAddress(addresses["otlp-http"] ?? addresses["otlp-grpc"] ?? addresses["http"] ?? "");
  return {
    otlpHttp: url("otlp-http"),
    otlpGrpc: url("otlp-grpc"),
    loopbackOnly: isLoopback(own.host),
  };
}

/** One span as OTLP/JSON that ended just now; ids are lower-case hex, times unix ns in strings. */
export function sampleSpan(traceId: string, spanId: string, nowMs: number): string {
  const end = BigInt(nowMs) * 1_000_000n;
  const start = end - 120_000_000n;
  // By hand rather than JSON.stringify: twelve lines that fit a screen instead of forty.
  return `{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello-clew"}}]},
  "scopeSpans":[{"scope":{"name":"by-hand"},"spans":[{
    "traceId":"${traceId}",
    "spanId":"${spanId}",
    "name":"first span",
    "kind":1,
    "startTimeUnixNano":"${start}",
    "endTimeUnixNano":"${end}",
    "attributes":[{"key":"greeting","value":{"stringValue":"hello"}}]
  }]}]
}]}`;
}

/** Random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export function snippets(e: Endpoints, span: string): Snippet[] {
  // With both off there is nothing to send to; the page says so above, and the defaults stand in.
  const http = e.otlpHttp ?? e.otlpGrpc ?? "http://127.0.0.1:4318";
  const grpcHost = (e.otlpGrpc ?? http).replace("http://", "");
  const demo =
    e.otlpGrpc === null
      ? `clew demo --protocol http --endpoint ${http.replace("http://", "")}`
      : `clew demo --endpoint ${grpcHost}`;
  return [
    {
      id: "demo",
      title: "Demo shop",
      about: "A small shop of real services that browse, pay and now and then fail: the quickest way to look around.",
      steps: [{ label: "In a terminal on this machine", code: demo }],
    },
    {
      id: "curl",
      title: "curl",
      about: "One span, by hand, as OTLP/JSON. It carries the time this page was opened.",
      steps: [
        {
          label: "In a terminal",
          code: `curl -i ${http}/v1/traces -H 'Content-Type: application/json' -d '${span}'`,
        },
      ],
    },
    {
      id: "node",
      title: "Node.js",
      about: "Traces Express, Fastify, http, pg, redis and more without a change to your code.",
      steps: [
        { label: "Install", code: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node" },
        {
          label: "Run",
          code: `OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
        },
      ],
    },
    {
      id: "python",
      title: "Python",
      about: "Traces Django, Flask, FastAPI, requests, SQLAlchemy and more without a change to your code.",
      steps: [
        {
          label: "Install",
          code: `pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http
opentelemetry-bootstrap -a install`,
        },
        {
          label: "Run",
          code: `OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \\
opentelemetry-instrument python app.py`,
        },
      ],
    },
    {
      id: "go",
      title: "Go",
      about: "A tracer provider that sends in batches; wrap handlers with otelhttp to get a span a request.",
      steps: [
        {
          label: "Install",
          code: `go get go.opentelemetry.io/otel/sdk \\
  go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp`,
        },
        {
          label: "main.go",
          code: `package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL("${http}"))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	defer provider.Shutdown(ctx)
	otel.SetTracerProvider(provider)

	_, span := otel.Tracer("my-service").Start(ctx, "hello")
	span.End()
}`,
        },
        { label: "Run", code: "OTEL_SERVICE_NAME=my-service go run ." },
      ],
    },
    {
      id: "java",
      title: "Java",
      about: "The agent traces Spring, Servlets, JDBC, Kafka and a hundred more libraries.",
      steps: [
        {
          label: "Download",
          code: "curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar",
        },
        {
          label: "Run",
          code: `OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\
OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none \\
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
        },
      ],
    },
    {
      id: "collector",
      title: "Collector",
      about: "Add Clew beside the exporters you have; nothing else changes.",
      steps: [
        {
          label: "config.yaml",
          code: `exporters:
  otlp/clew:
    endpoint: ${grpcHost}
    tls:
      insecure: true

service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp/clew]`,
        },
      ],
    },
  ];
}
