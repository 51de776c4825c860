// SPDX-License-Identifier: Apache-2.0

import { getRouteApi } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { useTitle } from "../widgets/hooks";
import { TracePage } from "../pages/trace/TracePage";

const route = getRouteApi("/trace/$traceId");

/** The trace page on its route: a chunk of its own, with the canvases in it. */
export function TraceRoute(): ReactElement {
  const { traceId } = route.useParams();
  const search = route.useSearch();
  useTitle(`Trace ${traceId.slice(0, 8)}`);
  const navigate = route.useNavigate();
  return (
    <TracePage
      key={traceId}
      traceId={traceId}
      search={search}
      navigate={(next, how) => void navigate({ search: next, replace: how?.replace ?? false, resetScroll: false })}
    />
  );
}
