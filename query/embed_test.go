// SPDX-License-Identifier: Apache-2.0

package query

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store/embed"
)

// TestAgainstOracleEmbedded is TestAgainstOracle over the embedded store, whose head and blocks hold the traces in
// pieces.
func TestAgainstOracleEmbedded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, distinct: true}
		engine, err := embed.Open(embed.Config{Dir: "data", FS: fs.NewMem(), RowGroupRows: rapid.IntRange(1, 9).Draw(t, "row group")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}()
		var all, whole span.Batch
		copyAll := span.NewCopier(&all)
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			b := g.batch()
			copyAll.From(b)
			for row := range b.Len() {
				copyAll.Row(row)
			}
			if err := engine.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "flush") {
				if err := engine.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		all.CopyOrdered(&whole)
		for range 4 {
			checkQuery(t, engine, &whole, g.query())
		}
	})
}
