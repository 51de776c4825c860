// SPDX-License-Identifier: Apache-2.0

// An empty Clew: how to send the first span, with the real addresses. Asks the
// server each second and shows the search page when a trace has arrived.

import { Tabs } from "@base-ui/react/tabs";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { useMemo, useState } from "react";
import { plural } from "../../base/format";
import { CodeBlock } from "../../widgets/CodeBlock";
import { Spinner } from "../../widgets/controls";
import { useTitle } from "../../widgets/hooks";
import { getStatus } from "../../wire/client";
import { endpoints, randomHex, sampleSpan, snippets } from "./snippets";
import styles from "./WelcomePage.module.css";

export function WelcomePage(): ReactElement {
  useTitle("Send spans");
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => getStatus(signal), refetchInterval: 1000 });
  const [span] = useState(() => sampleSpan(randomHex(16), randomHex(8), Date.now()));
  const addresses = status.data?.addresses;
  const e = useMemo(() => endpoints(addresses ?? {}, location.hostname), [addresses]);
  const all = useMemo(() => snippets(e, span), [e, span]);
  const spans = status.data?.spans ?? 0;

  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{spans === 0 ? "Send the first span" : "Send spans"}</h1>
        <p>
          Clew takes OpenTelemetry (OTLP) from every SDK and from the Collector. A span is acknowledged when it is on
          disk, and can be searched within a second.
        </p>
        <dl className={styles.addresses}>
          {e.otlpHttp !== null && <Address name="OTLP/HTTP" value={e.otlpHttp} />}
          {e.otlpGrpc !== null && <Address name="OTLP/gRPC" value={e.otlpGrpc} />}
          {addresses !== undefined && e.otlpHttp === null && e.otlpGrpc === null && (
            <p className={styles.note}>
              Both OTLP listeners are off. Start <code>clew serve</code> without <code>--otlp-http off</code>.
            </p>
          )}
        </dl>
        {addresses !== undefined && e.loopbackOnly && (
          <p className={styles.note}>
            Reachable from this machine only. For others, start <code>clew serve --host 0.0.0.0</code>.
          </p>
        )}
      </header>

      <Tabs.Root defaultValue="demo" className={styles.tabs} orientation="vertical">
        <Tabs.List className={styles.list} aria-label="Ways to send spans">
          {all.map((s) => (
            <Tabs.Tab key={s.id} value={s.id} className={styles.tab}>
              {s.title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {all.map((s) => (
          <Tabs.Panel key={s.id} value={s.id} className={styles.panel}>
            <p className={styles.about}>{s.about}</p>
            {s.steps.map((step) => (
              <div key={step.label} className={styles.step}>
                <h2>{step.label}</h2>
                <CodeBlock code={step.code} label={`${s.title}: ${step.label}`} />
              </div>
            ))}
          </Tabs.Panel>
        ))}
      </Tabs.Root>

      <div className={styles.wait} role="status">
        {spans === 0 ? (
          <>
            <Spinner />
            {status.error === null ? "Waiting for the first span; this page moves on by itself." : status.error.message}
          </>
        ) : (
          <>
            {plural(spans, "span")} stored. <Link to="/search">Search traces</Link>
          </>
        )}
      </div>
    </div>
  );
}

function Address({ name, value }: { name: string; value: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}
