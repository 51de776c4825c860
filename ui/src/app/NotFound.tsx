// SPDX-License-Identifier: Apache-2.0

import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Button } from "../widgets/controls";
import { useTitle } from "../widgets/hooks";
import styles from "./NotFound.module.css";

export function NotFound(): ReactElement {
  useTitle("Not found");
  return (
    <section className={styles.page}>
      <h1>There is no such page</h1>
      <p>The address may be from another version of Clew, or have lost a part on its way.</p>
      <Link to="/search">Search traces</Link>
    </section>
  );
}

export function PageError({ error, reset }: ErrorComponentProps): ReactElement {
  return (
    <section className={styles.page} role="alert">
      <h1>This page failed</h1>
      <p>Something in the page went wrong; nothing stored is affected.</p>
      <pre>{error instanceof Error ? error.message : String(error)}</pre>
      <Button onClick={reset}>Try again</Button>
    </section>
  );
}
