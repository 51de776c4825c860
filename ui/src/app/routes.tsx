// SPDX-License-Identifier: Apache-2.0

// The pages and their addresses. Search params are flat strings in the URL,
// validated by each page's own schema; unknown ones are dropped.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  useLocation,
  useNavigate,
} from "@tanstack/react-router";
import type { ReactElement } from "react";
import { useCallback } from "react";
import * as v from "valibot";
import { SearchPage, type SearchParams, searchParams } from "../pages/search";
import { traceSearch } from "../pages/trace/params";
import { basePath } from "../wire/client";
import { parseSearch, stringifySearch } from "./urlCodec";
import { NotFound, PageError } from "./NotFound";
import { Shell } from "./Shell";

declare module "@tanstack/history" {
  interface HistoryState {
    /** When the search of this history entry was asked, ms. */
    runAt?: number;
  }
}

/** A search that was asked before this page load is asked anew: its answers are gone. */
const loadedAt = Date.now();

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/search", replace: true });
  },
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: (raw: Record<string, unknown>): SearchParams => v.parse(searchParams, raw),
  component: SearchRoute,
});

function SearchRoute(): ReactElement {
  const params = search.useSearch();
  const navigate = useNavigate({ from: "/search" });
  const asked = useLocation({ select: (location) => location.state.runAt ?? 0 });
  const runAt = Math.max(asked, loadedAt);
  const go = useCallback(
    (next: SearchParams, how: { run: boolean; replace: boolean }) => {
      void navigate({
        to: "/search",
        search: next,
        replace: how.replace,
        resetScroll: how.run,
        state: (old) => ({ ...old, runAt: how.run ? Date.now() : runAt }),
      });
    },
    [navigate, runAt],
  );
  return <SearchPage params={params} runAt={runAt} navigate={go} />;
}

const welcome = createRoute({
  getParentRoute: () => root,
  path: "/welcome",
  component: lazyRouteComponent(() => import("../pages/welcome"), "WelcomePage"),
});

const trace = createRoute({
  getParentRoute: () => root,
  path: "/trace/$traceId",
  validateSearch: (raw: Record<string, unknown>) => v.parse(traceSearch, raw),
  component: lazyRouteComponent(() => import("./TraceRoute"), "TraceRoute"),
});

const routeTree = root.addChildren([home, search, welcome, trace]);

export function makeRouter() {
  return createRouter({
    routeTree,
    basepath: basePath(),
    parseSearch,
    stringifySearch,
    defaultPreload: false,
    scrollRestoration: true,
    defaultErrorComponent: PageError,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
