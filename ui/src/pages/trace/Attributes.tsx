// SPDX-License-Identifier: Apache-2.0

import { Link } from "@tanstack/react-router";
import { ListFilter, Search } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { Fragment, createContext, useContext, useState } from "react";
import { formatBytes, plural, visibleText } from "../../base/format";
import type { Attribute } from "../../wire/api";
import { cx } from "../../widgets/controls";
import { CopyButton } from "./CopyButton";
import styles from "./Details.module.css";
import { queryFor, valueText } from "./values";

/** Finds the spans of this trace that a query matches. */
export const FindContext = createContext<((query: string) => void) | undefined>(undefined);

/** Rows before "show all": a span may have thousands. */
const firstRows = 100;
/** Characters of a value before "show all": a value may be a megabyte. */
const firstChars = 1200;

interface Props {
  attributes: readonly Attribute[];
  /** Scope for queries: span, resource, event, link, instrumentation. */
  scope: string;
  /** Lower-case text that key or value must contain. */
  filter?: string;
}

export function Attributes({ attributes, scope, filter = "" }: Props): ReactElement {
  const [all, setAll] = useState(false);
  const matching =
    filter === "" ? attributes : attributes.filter((a) => a.key.toLowerCase().includes(filter) || valueText(a).toLowerCase().includes(filter));
  const shown = all ? matching : matching.slice(0, firstRows);
  if (attributes.length === 0) return <p className={styles.none}>None</p>;
  if (matching.length === 0) return <p className={styles.none}>None of {attributes.length} matches the filter</p>;
  return (
    <>
      <dl className={styles.attributes}>
        {shown.map((a, i) => (
          <Row key={`${i}.${a.key}`} attribute={a} scope={scope} />
        ))}
      </dl>
      {shown.length < matching.length && (
        <button type="button" className={styles.textAction} onClick={() => setAll(true)}>
          Show all {plural(matching.length, "attribute")}
        </button>
      )}
    </>
  );
}

const valueClass: Record<string, string | undefined> = {
  int: styles.number,
  double: styles.number,
  bool: styles.bool,
  bytes: styles.other,
  empty: styles.other,
};

function Row({ attribute: a, scope }: { attribute: Attribute; scope: string }): ReactElement {
  const find = useContext(FindContext);
  const [all, setAll] = useState(false);
  const text = valueText(a);
  const query = queryFor(scope, a);
  const cut = !all && text.length > firstChars;
  return (
    <div className={styles.attribute}>
      <dt className={styles.key} title={`${a.key} (${a.type})`}>
        {breakable(a.key)}
      </dt>
      <dd className={cx(styles.value, valueClass[a.type])}>
        {a.type === "empty" ? "empty" : text === "" ? <i className={styles.faint}>empty string</i> : visibleText(cut ? `${text.slice(0, firstChars)}…` : text, true)}
        {(a.type === "bytes" || a.type === "empty") && <span className={styles.type}>{a.type}</span>}
        {cut && (
          <button type="button" className={styles.textAction} onClick={() => setAll(true)}>
            Show all {formatBytes(text.length)}
          </button>
        )}
        <span className={styles.rowActions}>
          {query !== undefined && find !== undefined && (
            <button type="button" className={styles.action} title={`Find ${query} in this trace`} aria-label={`Find this value of ${a.key} in this trace`} onClick={() => find(query)}>
              <ListFilter size={13} aria-hidden="true" />
            </button>
          )}
          {query !== undefined && (
            <Link to="/search" search={{ q: query }} className={styles.action} title={`Search ${query}`} aria-label={`Search for this value of ${a.key}`}>
              <Search size={13} aria-hidden="true" />
            </Link>
          )}
          <CopyButton text={text} label={`Copy value of ${a.key}`} />
        </span>
      </dd>
    </div>
  );
}

/** A key that may wrap after its dots, and only there if it can. */
function breakable(key: string): ReactNode {
  if (key.trim() === "") return <i className={styles.faint}>empty key</i>;
  return visibleText(key)
    .split(/(?<=[._/:-])/)
    .map((part, i) => (
      <Fragment key={i}>
        {i > 0 && <wbr />}
        {part}
      </Fragment>
    ));
}
