// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Fault names a classic mistake that the shop makes on request.
type Fault string

// The faults. What each one does stands in [Faults].
const (
	PaymentErrors        Fault = "payment-errors"
	SlowCatalog          Fault = "slow-catalog"
	SlowRecommendations  Fault = "slow-recommendations"
	RetryStorm           Fault = "retry-storm"
	NPlusOne             Fault = "n-plus-one"
	BrokenPropagation    Fault = "broken-propagation"
	MissingRoot          Fault = "missing-root"
	LostSpans            Fault = "lost-spans"
	ClockSkew            Fault = "clock-skew"
	HighCardinalityNames Fault = "high-cardinality-names"
)

// FaultInfo describes a fault to people.
type FaultInfo struct {
	Name   Fault  `json:"name"`
	Effect string `json:"effect"` // one line: what breaks, and how it shows
}

// Faults lists every fault, in a fixed order.
func Faults() []FaultInfo {
	return []FaultInfo{
		{PaymentErrors, "the acquirer refuses six calls in ten: failed checkouts, exceptions, retries"},
		{SlowCatalog, "one of the two catalog pods takes most of a second: a slow tail with one service.instance.id"},
		{SlowRecommendations, "recommendations take longer than their caller waits: timeouts, and pages without them"},
		{RetryStorm, "the acquirer is down and every layer above it tries three times: 27 calls for one checkout"},
		{NPlusOne, "the catalog asks for prices one row at a time"},
		{BrokenPropagation, "search forgets to pass its context on: catalog spans start traces of their own"},
		{MissingRoot, "a load balancer passes traceparent on and never reports its own span: traces without a root"},
		{LostSpans, "checkout loses a third of its spans: holes in the middle of traces"},
		{ClockSkew, "the clock of one inventory pod is 1.5 s behind: children that begin before their parents"},
		{HighCardinalityNames, "the gateway names its spans by full path: a new name for every product"},
	}
}

// ParseFaults reads names as the command line and the HTTP control give them.
func ParseFaults(names []string) ([]Fault, error) {
	var faults []Fault
	for _, name := range names {
		f := Fault(strings.TrimSpace(name))
		if f == "" {
			continue
		}
		if _, ok := f.index(); !ok {
			return nil, fmt.Errorf("fault %q: unknown; known are %s", name, faultNames())
		}
		faults = append(faults, f)
	}
	return faults, nil
}

func (f Fault) index() (int, bool) {
	i := slices.IndexFunc(Faults(), func(info FaultInfo) bool { return info.Name == f })
	return i, i >= 0
}

func faultNames() string {
	var names []string
	for _, info := range Faults() {
		names = append(names, string(info.Name))
	}
	return strings.Join(names, ", ")
}

// switchboard is the set of faults that are on. Services look at it for every request.
type switchboard struct {
	set atomic.Uint64 // bit i = Faults()[i]
}

// on reports whether f is switched on; a nil board has none on.
func (b *switchboard) on(f Fault) bool {
	i, ok := f.index()
	return ok && b.set.Load()&(1<<i) != 0
}

func (b *switchboard) turn(f Fault, on bool) {
	i, ok := f.index()
	switch {
	case !ok:
	case on:
		b.set.Or(1 << i)
	default:
		b.set.And(^uint64(1 << i))
	}
}

// active lists the faults that are on.
func (b *switchboard) active() []Fault {
	faults := []Fault{}
	for i, info := range Faults() {
		if b.set.Load()&(1<<i) != 0 {
			faults = append(faults, info.Name)
		}
	}
	return faults
}
