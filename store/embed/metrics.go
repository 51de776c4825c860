// SPDX-License-Identifier: Apache-2.0

package embed

import "sync/atomic"

// metrics are the engine's own counters.
type metrics struct {
	appended, refused, waits                    atomic.Int64
	flushes, flushErrors, blockBytes, collapsed atomic.Int64
	merges, mergedBytes, expired                atomic.Int64
	corruptBlocks, corruptManifest              atomic.Int64
	corruptGroups                               atomic.Int64
}

// Metric is one number that the engine reports about itself.
type Metric struct {
	// Name is the Prometheus name without the product's prefix: counters end in _total.
	Name string
	Help string
	// Counter means that the value only grows.
	Counter bool
	Value   int64
}

// Metrics returns the present numbers, always the same ones in the same order, for whoever publishes them.
func (e *Engine) Metrics() []Metric {
	var heads, headSpans, blocks, blockBytes, splits, backlog int64
	for _, t := range e.allTenants() {
		t.mu.RLock()
		heads += int64(len(t.heads))
		for _, h := range t.heads {
			headSpans += int64(h.spans)
		}
		blocks += int64(len(t.blocks))
		for _, b := range t.blocks {
			blockBytes += b.entry.bytes
		}
		backlog += mergeBacklog(t.blocks, e.cfg)
		splits += int64(t.splits.len())
		t.mu.RUnlock()
	}
	m, w := &e.metrics, e.log.Stats()
	return []Metric{
		{"store_spans_appended_total", "Spans that were made durable, those recovered at the start included.", true, m.appended.Load()},
		{"store_appends_refused_total", "Batches that were refused with a retryable error.", true, m.refused.Load()},
		{"store_append_waits_total", "Batches that had to wait for memory.", true, m.waits.Load()},
		{"store_wal_records_total", "Batches written to the log.", true, w.Records.Load()},
		{"store_wal_written_bytes_total", "Bytes written to the log.", true, w.Bytes.Load()},
		{"store_wal_fsyncs_total", "Syncs of the log.", true, w.Syncs.Load()},
		{"store_wal_fsync_errors_total", "Syncs of the log that failed.", true, w.SyncErrors.Load()},
		{"store_wal_write_errors_total", "Writes of the log that failed.", true, w.WriteErrors.Load()},
		{"store_wal_segments", "Files of the log.", false, w.Segments.Load()},
		{"store_wal_bytes", "Size of the log.", false, w.SegmentBytes.Load()},
		{"store_wal_corrupt_records_total", "Damaged places of the log found at the start.", true, w.CorruptRecords.Load()},
		{"store_wal_torn_bytes_total", "Bytes of the log that were never acknowledged, dropped at the start.", true, w.TornBytes.Load()},
		{"store_heads", "Heads in memory: those that grow and those being flushed.", false, heads},
		{"store_head_spans", "Spans in memory and the log only.", false, headSpans},
		{"store_head_bytes", "Memory of the heads.", false, e.headBytes.Load()},
		{"store_blocks", "Blocks on disk.", false, blocks},
		{"store_block_bytes", "Size of the blocks.", false, blockBytes},
		{"store_block_written_bytes_total", "Bytes written to blocks, by flushes and merges.", true, m.blockBytes.Load()},
		{"store_flushes_total", "Heads written to blocks.", true, m.flushes.Load()},
		{"store_flush_errors_total", "Tries to write a head or the manifest that failed.", true, m.flushErrors.Load()},
		{"store_merges_total", "Merges of blocks.", true, m.merges.Load()},
		{"store_merge_input_bytes_total", "Bytes of blocks that were merged.", true, m.mergedBytes.Load()},
		{"merge_backlog_bytes", "Bytes of blocks that wait to be merged.", false, backlog},
		{"store_spans_collapsed_total", "Repeated spans that were dropped when blocks were written.", true, m.collapsed.Load()},
		{"store_blocks_expired_total", "Blocks removed by retention.", true, m.expired.Load()},
		{"store_split_traces", "Traces known to stand in more than one place.", false, splits},
		{"store_corrupt_blocks_total", "Blocks found missing, unreadable or with a damaged footer.", true, m.corruptBlocks.Load()},
		{"store_corrupt_row_groups_total", "Reads of row groups that failed because of damage.", true, m.corruptGroups.Load()},
		{"store_corrupt_manifests_total", "Starts with a damaged manifest.", true, m.corruptManifest.Load()},
	}
}
