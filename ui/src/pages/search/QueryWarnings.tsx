// SPDX-License-Identifier: Apache-2.0

import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import type { ReactElement } from "react";
import type { Advisor } from "../../lang/advice";
import { sentence } from "./QueryError";
import styles from "./QueryError.module.css";

/** What the server finds odd about a query that runs, such as `duration > 100` (nanoseconds). */
export function QueryWarnings({ query, advise }: { query: string; advise: Advisor }): ReactElement | null {
  const advice = useQuery({
    queryKey: ["warnings", query],
    queryFn: () => advise(query, query.length),
    enabled: query !== "",
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const warnings = (advice.data?.diagnostics ?? []).filter((d) => d.severity === "warning");
  if (query === "" || warnings.length === 0) return null;
  return (
    <ul className={styles.warnings} aria-label="Warnings">
      {warnings.map((w) => (
        <li key={`${w.from} ${w.message}`}>
          <TriangleAlert size={14} aria-hidden="true" />
          <span>
            {sentence(w.message)} {sentence(w.hint ?? "")}
          </span>
        </li>
      ))}
    </ul>
  );
}
