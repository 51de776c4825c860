// SPDX-License-Identifier: Apache-2.0

// One button. A click starts the span "buy" in a context with baggage and posts
// the order to the storefront; #result then shows {"status", "traceId"}.

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { api, provider, withBaggage } from './tracing.js';

const tracer = trace.getTracer('shop-page', '7.1.0');
const result = document.getElementById('result');

function buy(amount) {
  return tracer.startActiveSpan('buy', { attributes: { 'order.amount': amount } }, (span) =>
    fetch(`${api}/api/buy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ amount }),
    })
      .then((answer) => {
        span.addEvent('answered', { 'order.status': answer.status });
        if (!answer.ok) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: `storefront answered ${answer.status}` });
        }
        return { status: answer.status };
      })
      .catch((err) => {
        span.recordException(err);
        span.setStatus({ code: SpanStatusCode.ERROR, message: err.message });
        return { status: 0 };
      })
      .then((outcome) => {
        span.end();
        result.textContent = JSON.stringify({ ...outcome, traceId: span.spanContext().traceId });
      }),
  );
}

document.getElementById('buy').addEventListener('click', () => {
  const amount = Number(document.getElementById('amount').value);
  withBaggage({ 'user.tier': { value: 'gold' }, 'session.id': { value: 'näive,7' } }, () => {
    buy(amount);
  });
});

window.flushSpans = () => provider.forceFlush();
