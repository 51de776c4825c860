// SPDX-License-Identifier: Apache-2.0

package block

import (
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/store"
)

// wanted is a projection as the decoder needs it: which columns, and which keys of attributes.
type wanted struct {
	all                  bool
	cols                 [kValue]bool // optional columns; ids, start, duration and weights are always read
	attrs, events, links map[string]bool
}

// want translates a projection.
func want(p store.Projection) *wanted {
	w := &wanted{all: p.All}
	if p.All {
		for k := range w.cols {
			w.cols[k] = true
		}
		return w
	}
	for _, f := range p.Fields {
		w.field(f)
	}
	return w
}

func (w *wanted) field(f match.Field) {
	add := func(m *map[string]bool) {
		if *m == nil {
			*m = map[string]bool{}
		}
		(*m)[f.Key] = true
	}
	any := f.Scope == match.ScopeAny
	if any || f.Scope == match.ScopeSpan {
		add(&w.attrs)
	}
	if any || f.Scope == match.ScopeEvent {
		add(&w.events)
		w.cols[kEventCount] = true
	}
	if any || f.Scope == match.ScopeLink {
		add(&w.links)
		w.cols[kLinkCount] = true
	}
	if any || f.Scope == match.ScopeResource {
		w.cols[kResource] = true
	}
	if any || f.Scope == match.ScopeInstrumentation {
		w.cols[kScope] = true
	}
	if f.Scope == match.ScopeIntrinsic {
		w.intrinsic(f.Intrinsic)
	}
}

func (w *wanted) intrinsic(i match.Intrinsic) {
	switch i {
	case match.Name, match.RootName:
		w.cols[kName] = true
	case match.Status:
		w.cols[kStatus] = true
	case match.StatusMessage:
		w.cols[kStatusMessage] = true
	case match.Kind:
		w.cols[kKind] = true
	case match.InstrumentationName, match.InstrumentationVersion:
		w.cols[kScope] = true
	case match.EventName, match.EventTimeSinceStart:
		w.cols[kEventCount] = true
	case match.LinkTraceID, match.LinkSpanID:
		w.cols[kLinkCount] = true
	case match.RootService:
		w.cols[kResource] = true
	}
}
