// SPDX-License-Identifier: Apache-2.0

// Registration of the OpenTelemetry SDK: the only file of this client that
// knows about tracing. Loaded with `node --require ./tracing.cjs app.cjs`;
// exporter, endpoint, service name and schedule come from OTEL_* variables.
'use strict';

const { NodeSDK, tracing } = require('@opentelemetry/sdk-node');
const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor } = require('@opentelemetry/baggage-span-processor');

const sdk = new NodeSDK({
  instrumentations: [getNodeAutoInstrumentations()],
  spanProcessors: [
    new BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS),
    new tracing.BatchSpanProcessor(new OTLPTraceExporter()),
  ],
});
sdk.start();

process.on('SIGTERM', () => {
  sdk.shutdown().then(
    () => process.exit(0),
    (err) => {
      console.error(err);
      process.exit(1);
    },
  );
});
