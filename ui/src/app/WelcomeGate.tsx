// SPDX-License-Identifier: Apache-2.0

import { useRouterState } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { Suspense, lazy } from "react";
import type { Status } from "../wire/api";

const WelcomePage = lazy(() => import("../pages/welcome").then((m) => ({ default: m.WelcomePage })));

/** Instead of searching an empty store, shows how to fill it; gives way when the first trace is there. */
export function WelcomeGate({ status, children }: { status: Status | undefined; children: ReactNode }): ReactElement {
  const searching = useRouterState({ select: (s) => s.location.pathname.endsWith("/search") });
  if (!searching || status === undefined || status.spans > 0) return <>{children}</>;
  return (
    <Suspense>
      <WelcomePage />
    </Suspense>
  );
}
