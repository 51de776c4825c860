// SPDX-License-Identifier: Apache-2.0

// What the search page loads after its first paint, as one chunk.

export { Filters } from "./Filters";
export { PastQueries } from "./PastQueries";
export { RangePicker } from "./RangePicker";
