// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
)

// model is a span in the form that is slow and obvious: what the columns of a batch are held against.
type model struct {
	Trace              span.TraceID
	ID, Parent         span.SpanID
	Start, Duration    int64
	Kind               span.Kind
	Status             span.Status
	Name, Message      string
	State              string
	Flags              uint32
	DroppedA, DroppedE uint32
	DroppedL           uint32
	Attrs              []attr
	Events             []event
	Links              []link
	Resource           resource
	Scope              scope

	// Outside of identity.
	notes       span.Notes
	head, trace float32
}

type attr struct {
	Key   string
	Value span.Value
}

type event struct {
	Time    int64
	Name    string
	Dropped uint32
	Attrs   []attr
}

type link struct {
	Trace          span.TraceID
	ID             span.SpanID
	State          string
	Flags, Dropped uint32
	Attrs          []attr
}

type resource struct {
	Attrs   []attr
	Dropped uint32
	Schema  string
	Refs    string
}

type scope struct {
	Name, Version, Schema string
	Dropped               uint32
	Attrs                 []attr
}

func addAttrs(b *span.Batch, a *span.Attrs, attrs []attr) {
	for _, x := range attrs {
		b.AddAttr(a, x.Key, x.Value)
	}
}

// begin adds the span without its end.
func (m model) begin(b *span.Batch) int {
	str := b.Strings.InternString
	r := b.Resources.Add()
	b.Resources.Dropped[r], b.Resources.SchemaURL[r], b.Resources.EntityRefs[r] = m.Resource.Dropped, str(m.Resource.Schema), str(m.Resource.Refs)
	addAttrs(b, &b.Resources.Attrs, m.Resource.Attrs)
	b.Resources.Attrs.EndOwner()
	s := b.Scopes.Add(str(m.Scope.Name), str(m.Scope.Version))
	b.Scopes.Dropped[s], b.Scopes.SchemaURL[s] = m.Scope.Dropped, str(m.Scope.Schema)
	addAttrs(b, &b.Scopes.Attrs, m.Scope.Attrs)
	b.Scopes.Attrs.EndOwner()

	i := b.AddSpan()
	b.TraceID[i], b.SpanID[i], b.ParentID[i] = m.Trace, m.ID, m.Parent
	b.Start[i], b.Duration[i], b.Kind[i], b.Status[i] = m.Start, m.Duration, m.Kind, m.Status
	b.Name[i], b.StatusMessage[i], b.TraceState[i], b.Flags[i] = str(m.Name), str(m.Message), str(m.State), m.Flags
	b.DroppedAttrs[i], b.DroppedEvents[i], b.DroppedLinks[i] = m.DroppedA, m.DroppedE, m.DroppedL
	b.Resource[i], b.Scope[i] = uint32(r), uint32(s)
	b.Notes[i], b.HeadWeight[i], b.TraceWeight[i] = m.notes, m.head, m.trace
	addAttrs(b, &b.Attrs, m.Attrs)
	for _, e := range m.Events {
		b.Events.Add(e.Time, str(e.Name), e.Dropped)
		addAttrs(b, &b.Events.Attrs, e.Attrs)
		b.Events.Attrs.EndOwner()
	}
	for _, l := range m.Links {
		b.Links.Add(l.Trace, l.ID, str(l.State), l.Flags, l.Dropped)
		addAttrs(b, &b.Links.Attrs, l.Attrs)
		b.Links.Attrs.EndOwner()
	}
	return i
}

func (m model) add(b *span.Batch) int {
	i := m.begin(b)
	b.EndSpan()
	return i
}

func sortAttrs(attrs []attr) []attr {
	return slices.SortedFunc(slices.Values(attrs), func(x, y attr) int {
		return cmp.Or(strings.Compare(x.Key, y.Key), cmp.Compare(x.Value.Type, y.Value.Type),
			cmp.Compare(x.Value.Num, y.Value.Num), strings.Compare(x.Value.Str, y.Value.Str))
	})
}

// identity is a string that is the same for equal spans and for no others.
func (m model) identity() string {
	m.notes, m.head, m.trace = 0, 0, 0
	m.Attrs, m.Resource.Attrs, m.Scope.Attrs = sortAttrs(m.Attrs), sortAttrs(m.Resource.Attrs), sortAttrs(m.Scope.Attrs)
	m.Events, m.Links = slices.Clone(m.Events), slices.Clone(m.Links)
	for i := range m.Events {
		m.Events[i].Attrs = sortAttrs(m.Events[i].Attrs)
	}
	for i := range m.Links {
		m.Links[i].Attrs = sortAttrs(m.Links[i].Attrs)
	}
	return fmt.Sprintf("%+q", fmt.Sprintf("%#v", m))
}

// Alphabets are small, so that equal and nearly equal things are common. Words are those that the dump has a meaning for.
var (
	words = rapid.SampledFrom([]string{"", "a", "b", "dropped", "flags", "schema", "a=1", "a b", "\"", "\n", "é", "\xff", "3"})
	tiny  = rapid.Uint32Range(0, 3)
	nums  = rapid.SampledFrom([]uint64{0, 1, 3, math.MaxUint64, math.Float64bits(math.NaN()), math.Float64bits(math.NaN()) ^ 1,
		math.Float64bits(math.Copysign(0, -1)), math.Float64bits(3), math.Float64bits(0.5)})
	times = rapid.SampledFrom([]int64{0, 1, 2, -1, 1_700_000_000e9, math.MaxInt64, math.MinInt64})
)

func drawValue(t *rapid.T, depth int) span.Value {
	switch ty := span.Type(rapid.IntRange(0, 7).Draw(t, "type")); ty {
	case span.TypeString:
		return span.StringValue(words.Draw(t, "string"))
	case span.TypeBytes:
		return span.BytesValue([]byte(words.Draw(t, "bytes")))
	case span.TypeBool:
		return span.BoolValue(rapid.Bool().Draw(t, "bool"))
	case span.TypeInt, span.TypeDouble:
		return span.Value{Type: ty, Num: nums.Draw(t, "number")}
	case span.TypeArray, span.TypeMap:
		if depth > 2 {
			return span.Value{}
		}
		var elems []span.Value
		var entries []span.Entry
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			v := drawValue(t, depth+1)
			elems = append(elems, v)
			entries = append(entries, span.Entry{Key: words.Draw(t, "key"), Value: v})
		}
		if ty == span.TypeArray {
			return span.ArrayValue(elems...)
		}
		return span.MapValue(entries...)
	}
	return span.Value{}
}

func drawAttrs(t *rapid.T) (attrs []attr) {
	for range rapid.IntRange(0, 3).Draw(t, "attributes") {
		attrs = append(attrs, attr{words.Draw(t, "key"), drawValue(t, 0)})
	}
	return attrs
}

// fields are the parts of a model, each with how it is drawn.
var fields = []func(*rapid.T, *model){
	func(t *rapid.T, m *model) { m.Trace = span.TraceIDFrom(uint64(tiny.Draw(t, "high")), 7) },
	func(t *rapid.T, m *model) { m.Trace = span.TraceIDFrom(0, uint64(tiny.Draw(t, "low"))) },
	func(t *rapid.T, m *model) { m.ID = span.SpanIDFrom(uint64(tiny.Draw(t, "id"))) },
	func(t *rapid.T, m *model) { m.Parent = span.SpanIDFrom(uint64(tiny.Draw(t, "parent"))) },
	func(t *rapid.T, m *model) { m.Start = times.Draw(t, "start") },
	func(t *rapid.T, m *model) { m.Duration = times.Draw(t, "duration") },
	func(t *rapid.T, m *model) { m.Kind = span.Kind(rapid.Int32Range(-1, 7).Draw(t, "kind")) },
	func(t *rapid.T, m *model) { m.Status = span.Status(rapid.Int32Range(-1, 4).Draw(t, "status")) },
	func(t *rapid.T, m *model) { m.Name = words.Draw(t, "name") },
	func(t *rapid.T, m *model) { m.Message = words.Draw(t, "message") },
	func(t *rapid.T, m *model) { m.State = words.Draw(t, "state") },
	func(t *rapid.T, m *model) { m.Flags = tiny.Draw(t, "flags") },
	func(t *rapid.T, m *model) { m.DroppedA = tiny.Draw(t, "dropped attributes") },
	func(t *rapid.T, m *model) { m.DroppedE = tiny.Draw(t, "dropped events") },
	func(t *rapid.T, m *model) { m.DroppedL = tiny.Draw(t, "dropped links") },
	func(t *rapid.T, m *model) { m.Attrs = drawAttrs(t) },
	func(t *rapid.T, m *model) { m.Attrs = shuffled(t, m.Attrs) },
	func(t *rapid.T, m *model) {
		m.Events = nil
		for range rapid.IntRange(0, 2).Draw(t, "events") {
			m.Events = append(m.Events, event{times.Draw(t, "time"), words.Draw(t, "name"), tiny.Draw(t, "dropped"), drawAttrs(t)})
		}
	},
	func(t *rapid.T, m *model) {
		m.Links = nil
		for range rapid.IntRange(0, 2).Draw(t, "links") {
			m.Links = append(m.Links, link{span.TraceIDFrom(0, uint64(tiny.Draw(t, "trace"))), span.SpanIDFrom(uint64(tiny.Draw(t, "span"))),
				words.Draw(t, "state"), tiny.Draw(t, "flags"), tiny.Draw(t, "dropped"), drawAttrs(t)})
		}
	},
	func(t *rapid.T, m *model) {
		m.Resource = resource{Attrs: drawAttrs(t), Dropped: tiny.Draw(t, "dropped"), Schema: words.Draw(t, "schema")}
		if rapid.Bool().Draw(t, "refs") {
			m.Resource.Refs = span.ArrayValue(drawValue(t, 2)).Str
		}
	},
	func(t *rapid.T, m *model) { m.Resource.Attrs = shuffled(t, m.Resource.Attrs) },
	func(t *rapid.T, m *model) {
		m.Scope = scope{words.Draw(t, "scope"), words.Draw(t, "version"), words.Draw(t, "schema"), tiny.Draw(t, "dropped"), drawAttrs(t)}
	},
	func(t *rapid.T, m *model) {
		m.notes, m.head, m.trace = span.Notes(tiny.Draw(t, "notes")), float32(tiny.Draw(t, "head")), float32(tiny.Draw(t, "weight"))
	},
}

func shuffled(t *rapid.T, attrs []attr) []attr {
	if len(attrs) < 2 {
		return attrs
	}
	return rapid.Permutation(attrs).Draw(t, "order")
}

func drawModel(t *rapid.T) model {
	m := model{trace: 1}
	for _, f := range fields {
		if rapid.Bool().Draw(t, "field") {
			f(t, &m)
		}
	}
	return m
}

// mutated returns m with up to two parts drawn again.
func mutated(t *rapid.T, m model) model {
	for range rapid.IntRange(0, 2).Draw(t, "mutations") {
		fields[rapid.IntRange(0, len(fields)-1).Draw(t, "part")](t, &m)
	}
	return m
}

func batchOf(models ...model) *span.Batch {
	b := &span.Batch{}
	for _, m := range models {
		m.add(b)
	}
	return b
}

// TestModel: the model itself can tell spans apart, or the properties that rest on it are empty.
func TestModel(t *testing.T) {
	same, differ := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		if m.identity() == mutated(t, m).identity() {
			same++
		} else {
			differ++
		}
	})
	if same < 10 || differ < 10 {
		t.Errorf("%d equal and %d different pairs", same, differ)
	}
}
