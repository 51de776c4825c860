// SPDX-License-Identifier: Apache-2.0

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { loadTrace } from "../../model/load";
import type { Trace } from "../../model/trace";
import type { ApiError } from "../../wire/client";
import { Button, Spinner, controlStyles, cx } from "../../widgets/controls";
import type { TraceSearch } from "./params";
import styles from "./TracePage.module.css";
import { Workspace } from "./Workspace";

export interface TracePageProps {
  traceId: string;
  search: TraceSearch;
  navigate: (search: TraceSearch, how?: { replace?: boolean }) => void;
}

/** One trace: header, waterfall, details of the selected span. */
export function TracePage({ traceId, search, navigate }: TracePageProps): ReactElement {
  const client = useQueryClient();
  const query = useQuery<Trace, ApiError>({
    queryKey: ["trace", traceId],
    queryFn: ({ signal }) => loadTrace(traceId, signal),
    staleTime: Infinity,
    // A large trace is tens of megabytes: it goes soon after its page is left, and is never compared deeply.
    gcTime: 60_000,
    structuralSharing: false,
    refetchOnWindowFocus: false,
    retry: false,
  });
  const reload = (): void => {
    void query.refetch();
    void client.invalidateQueries({ queryKey: ["span", traceId] });
  };

  if (query.data !== undefined && query.data.spans > 0) {
    return <Workspace key={query.dataUpdatedAt} trace={query.data} search={search} navigate={navigate} onReload={reload} reloading={query.isFetching} />;
  }
  if (query.isPending) {
    return (
      <div className={styles.state}>
        <p className={styles.loading} role="status">
          <Spinner /> Loading trace…
        </p>
      </div>
    );
  }
  const error = query.error;
  const absent = error === null || error.status === 404;
  return (
    <div className={styles.state}>
      <div className={styles.card} role="alert">
        <h1>{absent ? "This trace is not here" : "The trace could not be loaded"}</h1>
        {absent ? (
          <>
            <p>
              No span of trace <code>{traceId}</code> is stored. The usual reasons:
            </p>
            <ul>
              <li>Its spans are still on their way: an SDK sends a batch every few seconds.</li>
              <li>It was sampled away before it was sent, or is older than the retention time.</li>
              <li>It went to another backend: check the exporter's address.</li>
              <li>The id was cut off or mistyped: 32 hex digits are a whole one.</li>
            </ul>
          </>
        ) : (
          <>
            <p>{error.message}</p>
            {error.hint !== "" && <p>{error.hint}</p>}
          </>
        )}
        <div className={styles.cardActions}>
          <Button look="primary" onClick={reload} disabled={query.isFetching}>
            Try again
          </Button>
          <Link to="/search" className={cx(controlStyles.button)}>
            Search traces
          </Link>
        </div>
      </div>
    </div>
  );
}
