// SPDX-License-Identifier: Apache-2.0

package block

import (
	"errors"
	"fmt"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/store"
)

// columnError says which column of which row group cannot be read.
type columnError struct {
	column string
	group  int64
	err    error
}

// Error names the row group by its offset in the file.
func (e *columnError) Error() string {
	return fmt.Sprintf("row group at %d, column %s: %v", e.group, e.column, e.err)
}

// Unwrap returns the cause; whatever does not decode is of class [store.ErrCorrupt].
func (e *columnError) Unwrap() []error {
	if errors.Is(e.err, codec.ErrCorrupt) {
		return []error{store.ErrCorrupt, e.err}
	}
	return []error{e.err}
}
