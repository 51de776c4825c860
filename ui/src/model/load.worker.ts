// SPDX-License-Identifier: Apache-2.0

// Fetches, decodes and derives a trace off the main thread, then hands all
// arrays over without copying. One message in, one out.

import { decodeColumns, columnsMediaType } from "../wire/columns";
import { ApiError, request } from "../wire/client";
import type { LoadAnswer } from "./load";
import { derive } from "./trace";

// The project's types are the page's; this is the one worker-only call.
const answer = postMessage as (message: LoadAnswer, transfer: Transferable[]) => void;

addEventListener("message", (event: MessageEvent<{ url: string }>) => {
  void (async () => {
    try {
      const response = await request(event.data.url, { headers: { Accept: columnsMediaType } });
      const buffer = await response.arrayBuffer();
      const columns = decodeColumns(buffer);
      const derived = derive(columns);
      const own = [derived.selfTime, derived.errors, derived.subtreeStart, derived.subtreeEnd, derived.serviceIndex];
      answer({ trace: { ...columns, ...derived } }, [buffer, ...own.map((a) => a.buffer)]);
    } catch (error) {
      if (error instanceof ApiError) {
        const { status, code, message, hint } = error;
        answer({ error: { status, code, message, hint } }, []);
      } else {
        answer({ error: { status: 0, code: "unreadable", message: String(error), hint: "The answer is not a trace payload of this version." } }, []);
      }
    }
  })();
});
