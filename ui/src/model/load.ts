// SPDX-License-Identifier: Apache-2.0

import { ApiError, apiUrl } from "../wire/client";
import type { Trace } from "./trace";

export type LoadAnswer =
  | { trace: Trace; error?: never }
  | { error: { status: number; code: string; message: string; hint: string }; trace?: never };

/**
 * Loads a trace in a worker of its own. Rejects with ApiError (status 404 when
 * the trace is not stored), or with the signal's reason when aborted.
 */
export function loadTrace(traceId: string, signal: AbortSignal): Promise<Trace> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./load.worker.ts", import.meta.url), { type: "module" });
    const abort = (): void => {
      worker.terminate();
      reject(signal.reason as Error);
    };
    const finish = (): void => {
      signal.removeEventListener("abort", abort);
      worker.terminate();
    };
    signal.addEventListener("abort", abort);
    worker.addEventListener("message", (event: MessageEvent<LoadAnswer>) => {
      finish();
      const { trace, error } = event.data;
      if (error === undefined) resolve(trace);
      else reject(new ApiError(error.status, error.code, error.message, error.hint));
    });
    worker.addEventListener("error", (event) => {
      finish();
      reject(new ApiError(0, "worker", event.message || "The trace loader did not start.", "Reload the page; a proxy may be blocking its script."));
    });
    worker.postMessage({ url: apiUrl(`traces/${encodeURIComponent(traceId)}/columns`) });
  });
}
