// SPDX-License-Identifier: Apache-2.0

// What stands around every page: the top bar, the palette, the help sheet.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { CircleHelp, Command as CommandIcon } from "lucide-react";
import type { ReactElement } from "react";
import { Suspense, lazy, useState } from "react";
import { useCommands } from "../base/context";
import { formatAgo, formatBytes, formatShort, plural } from "../base/format";
import { usePref } from "../base/prefs";
import { Button, Keys, Tip, cx } from "../widgets/controls";
import { useNow } from "../widgets/hooks";
import { getStatus } from "../wire/client";
import type { ApiError } from "../wire/client";
import type { Status } from "../wire/api";
import { Logo } from "./Logo";
import styles from "./Shell.module.css";
import { nextTheme } from "./theme";
import { WelcomeGate } from "./WelcomeGate";

const Help = lazy(() => import("./Help").then((m) => ({ default: m.Help })));
const Palette = lazy(() => import("./Palette").then((m) => ({ default: m.Palette })));
const ThemeMenu = lazy(() => import("./ThemeMenu").then((m) => ({ default: m.ThemeMenu })));

export function Shell(): ReactElement {
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [theme, setTheme] = usePref("theme");
  const [zone, setZone] = usePref("zone");
  const navigate = useNavigate();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const status = useQuery<Status, ApiError>({
    queryKey: ["status"],
    queryFn: ({ signal }) => getStatus(signal),
    refetchInterval: 10_000,
  });

  useCommands("Clew", () => [
    { id: "app.palette", title: "All commands", keys: ["mod+k"], inFields: true, run: () => setPalette(true) },
    { id: "app.help", title: "Keyboard help", keys: ["?"], run: () => setHelp(true) },
    {
      id: "app.search",
      title: "Go to search",
      keys: ["g s"],
      run: () => void navigate({ to: "/search", state: (s) => ({ ...s, runAt: Date.now() }) }),
    },
    { id: "app.welcome", title: "Go to sending spans", keys: ["g w"], run: () => void navigate({ to: "/welcome" }) },
    { id: "app.back", title: "Back", keys: ["g b"], run: () => history.back() },
    { id: "app.theme", title: "Change theme: light, dark, as the system", keys: ["alt+t"], run: () => setTheme(nextTheme(theme)) },
    {
      id: "app.zone",
      title: "Show times in local time or UTC",
      keys: ["alt+z"],
      run: () => setZone(zone === "utc" ? "local" : "utc"),
    },
  ]);

  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to the page
      </a>
      <header className={styles.bar}>
        <Link to="/search" className={styles.home} state={(s) => ({ ...s, runAt: Date.now() })} aria-label="Clew, search traces">
          <Logo />
          <span>Clew</span>
        </Link>
        <nav className={styles.nav} aria-label="Pages">
          <Link
            to="/search"
            className={cx(styles.page, !path.endsWith("/welcome") && styles.current)}
            state={(s) => ({ ...s, runAt: Date.now() })}
          >
            Traces
          </Link>
          <Link to="/welcome" className={cx(styles.page, path.endsWith("/welcome") && styles.current)}>
            Send spans
          </Link>
        </nav>
        <div className={styles.tools}>
          <button type="button" className={styles.jump} onClick={() => setPalette(true)}>
            <CommandIcon size={13} aria-hidden="true" />
            <span>Commands and trace ids</span>
            <Keys keys="mod+k" />
          </button>
          <ServerStatus status={status.data} error={status.error} />
          <Tip text="Time zone of all times shown" keys="alt+z">
            <Button
              look="ghost"
              small
              aria-label={`Times are ${zone === "utc" ? "UTC" : "local"}; change`}
              onClick={() => setZone(zone === "utc" ? "local" : "utc")}
              className={styles.zone}
            >
              {zone === "utc" ? "UTC" : localZoneName()}
            </Button>
          </Tip>
          <Suspense fallback={<Button look="ghost" icon disabled aria-label="Theme" />}>
            <ThemeMenu />
          </Suspense>
          <Tip text="Keyboard help" keys="?">
            <Button look="ghost" icon aria-label="Keyboard help" onClick={() => setHelp(true)}>
              <CircleHelp size={16} aria-hidden="true" />
            </Button>
          </Tip>
        </div>
      </header>
      {status.error?.code === "unreachable" && (
        <div className={styles.offline} role="alert">
          <b>Clew does not answer.</b> What you see may be old. Is <code>clew serve</code> running? Trying again every 10 seconds.
        </div>
      )}
      <main id="main" tabIndex={-1} className={styles.main} data-scroll-restoration-id="main">
        <WelcomeGate status={status.data}>
          <Outlet />
        </WelcomeGate>
      </main>
      <Suspense>
        {palette && <Palette open onOpenChange={setPalette} />}
        {help && <Help open onOpenChange={setHelp} />}
      </Suspense>
    </div>
  );
}

/** The short name of the local zone, as in "CET"; "Local" where the browser has none. */
function localZoneName(): string {
  const part = new Intl.DateTimeFormat("en", { timeZoneName: "short" })
    .formatToParts(new Date())
    .find((p) => p.type === "timeZoneName")?.value;
  return part === undefined || part === "UTC" ? "Local" : part;
}

function ServerStatus({ status, error }: { status: Status | undefined; error: ApiError | null }): ReactElement {
  const now = useNow(10_000);
  const state = error !== null ? "bad" : status === undefined ? "unknown" : "good";
  const text =
    error !== null
      ? error.message
      : status === undefined
        ? "Asking the server…"
        : [
            `Clew ${status.version}, started ${formatAgo(startedNs(status, now), now)}`,
            `${plural(status.spans, "span")} in ${plural(status.traces, "trace")} of ${plural(status.services, "service")}`,
            `${formatBytes(status.storageBytes)} on disk, kept ${status.retention}`,
            `Acknowledged ${status.walSync === "always" ? "when on disk (fsync)" : `before fsync (--wal-sync ${status.walSync})`}`,
          ].join("\n");
  const short = status === undefined ? "…" : `${formatShort(status.spans)} ${status.spans === 1 ? "span" : "spans"}`;
  return (
    <Tip text={text}>
      <button type="button" className={styles.status} aria-label={`${short}. ${text.replaceAll("\n", ". ")}`}>
        <span className={styles.light} data-state={state} />
        {short}
      </button>
    </Tip>
  );
}

function startedNs(status: Status, now: number): bigint {
  const ms = Date.parse(status.startedAt);
  return BigInt(Number.isNaN(ms) ? now : ms) * 1_000_000n;
}
