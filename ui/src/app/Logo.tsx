// SPDX-License-Identifier: Apache-2.0

import type { ReactElement } from "react";

/** A ball of thread, its end leading out. */
export function Logo(): ReactElement {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="var(--brand)" strokeWidth="1.9" strokeLinecap="round" aria-hidden="true">
      <circle cx="10.5" cy="10.5" r="7.5" />
      <path d="M4.2 7.2c4.4-.6 9.300 2.300 11 7.800" />
      <path d="M7 4c4.800.4 9.200 3.800 10.600 8.600" />
      <path d="M3.200 11.600c3.200-.2 6.300 2 7.300 6.300" />
      <path d="M16 15.700c1.200 2.900 3.200 4.800 6 5.300" />
    </svg>
  );
}
