// SPDX-License-Identifier: Apache-2.0

// Package storetest is the suite that every store.Engine must pass. An engine's own test calls [Run].
//
// Each case is run in several states: with everything as it came in, after the engine was asked to settle it (if it
// has a Flush or Merge method), and after it was closed and opened again. What must hold is the contract of package store; the
// expected answers come from [Oracle], which keeps all spans in a slice.
package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Options say which store to open.
type Options struct {
	// Dir names the store: a directory that is the test's own. Opening the same Dir again after Close must find
	// everything that was appended.
	Dir string
}

// Factory opens an engine. It fails the test if it cannot.
type Factory func(t *testing.T, o Options) store.Engine

// flusher is an engine that can be asked to bring what it holds from memory into its final form.
type flusher interface {
	Flush(ctx context.Context) error
}

// merger is an engine that can be asked to tidy up what it has in its final form.
type merger interface {
	Merge(ctx context.Context) error
}

// Run runs the suite.
func Run(t *testing.T, open Factory) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"Empty", testEmpty},
		{"RoundTrip", testRoundTrip},
		{"Identity", testIdentity},
		{"SameIDsOtherContent", testSameIDsOtherContent},
		{"IDForms", testIDForms},
		{"SharedKey", testSharedKey},
		{"Tenants", testTenants},
		{"Windows", testWindows},
		{"NewestOrder", testNewestOrder},
		{"Paging", testPaging},
		{"Fragments", testFragments},
		{"FarTimes", testFarTimes},
		{"GiantTrace", testGiantTrace},
		{"Hostile", testHostile},
		{"Fields", testFields},
		{"Values", testValues},
		{"Projection", testProjection},
		{"Concurrent", testConcurrent},
		{"Cancel", testCancel},
		{"EarlyStop", testEarlyStop},
		{"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFixture(t, open)) })
	}
	t.Run("Random", func(t *testing.T) { testRandom(t, open) })
}

// fixture is an engine beside an oracle that is given the same.
type fixture struct {
	t      *testing.T
	open   Factory
	opt    Options
	engine store.Engine
	oracle *Oracle
}

func newFixture(t *testing.T, open Factory) *fixture {
	f := &fixture{t: t, open: open, opt: Options{Dir: t.TempDir()}, oracle: NewOracle()}
	f.engine = open(t, f.opt)
	t.Cleanup(func() {
		if err := f.engine.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

// append appends to both.
func (f *fixture) append(b *span.Batch) {
	f.t.Helper()
	if err := f.engine.Append(context.Background(), b); err != nil {
		f.t.Fatalf("append: %v", err)
	}
	f.oracle.Append(b)
}

func (f *fixture) flush() {
	f.t.Helper()
	if e, ok := f.engine.(flusher); ok {
		if err := e.Flush(context.Background()); err != nil {
			f.t.Fatalf("flush: %v", err)
		}
	}
}

func (f *fixture) merge() {
	f.t.Helper()
	if e, ok := f.engine.(merger); ok {
		if err := e.Merge(context.Background()); err != nil {
			f.t.Fatalf("merge: %v", err)
		}
	}
}

func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.engine.Close(); err != nil {
		f.t.Fatalf("close: %v", err)
	}
	f.engine = f.open(f.t, f.opt)
}

// inAllStates runs check as things are, after a restart, settled, and settled after a restart.
func (f *fixture) inAllStates(check func(t *testing.T)) {
	f.t.Helper()
	t := f.t
	run := func(name string) {
		t.Run(name, func(sub *testing.T) {
			f.t = sub
			defer func() { f.t = t }()
			check(sub)
		})
	}
	run("head")
	f.reopen()
	run("restarted")
	if _, ok := f.engine.(flusher); !ok {
		return
	}
	f.flush()
	run("settled")
	f.merge()
	run("merged")
	f.reopen()
	run("merged and restarted")
}
