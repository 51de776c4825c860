// SPDX-License-Identifier: Apache-2.0

// The web SDK as the usual guide sets it up: W3C context and baggage, fetch and
// click instrumentation, OTLP/HTTP JSON posted straight to the collector, which
// is of another origin. Addresses come from the page's query: ?otlp=&api=.

import { context, createTraceState, propagation } from '@opentelemetry/api';
import { ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor } from '@opentelemetry/baggage-span-processor';
import { ZoneContextManager } from '@opentelemetry/context-zone';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { UserInteractionInstrumentation } from '@opentelemetry/instrumentation-user-interaction';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, SamplingDecision, WebTracerProvider } from '@opentelemetry/sdk-trace-web';

const query = new URLSearchParams(location.search);
export const api = query.get('api');
const otlp = query.get('otlp');
const under = (origin) => new RegExp(`^${origin.replace(/[.]/g, '\\.')}/`);

// A root span has no parent to inherit a trace state from: the sampler gives it
// one, as vendors' samplers do.
const firstTraceState = createTraceState('shop=visit:42,congo=t61rcWkgMzE');
const sampler = {
  shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, traceState: firstTraceState }),
  toString: () => 'AlwaysOnWithTraceState',
};

export const provider = new WebTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop-page', 'service.version': '7.1.0' }),
  sampler,
  spanProcessors: [
    new BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS),
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `${otlp}/v1/traces`, headers: { 'x-shop': 'page' } }), {
      scheduledDelayMillis: 200,
    }),
  ],
});
provider.register({
  contextManager: new ZoneContextManager(),
  propagator: new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
});
registerInstrumentations({
  instrumentations: [
    new UserInteractionInstrumentation({ eventNames: ['click'] }),
    new FetchInstrumentation({ propagateTraceHeaderCorsUrls: [under(api)], ignoreUrls: [under(otlp)] }),
  ],
});

export function withBaggage(entries, fn) {
  return context.with(propagation.setBaggage(context.active(), propagation.createBaggage(entries)), fn);
}
