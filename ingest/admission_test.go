// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAdmission(100, time.Second)
		ctx := t.Context()
		one := a.Admit(ctx, 60)
		if one == nil || a.InFlight() != 60 {
			t.Fatal("the first is admitted")
		}
		start := time.Now()
		if a.Admit(ctx, 60) != nil || time.Since(start) != time.Second {
			t.Errorf("the second was admitted, or refused after %v", time.Since(start))
		}
		if one.TryGrow(101) != true {
			t.Error("who is alone may have more than there is")
		}
		if a.InFlight() != 101 {
			t.Errorf("%d in flight", a.InFlight())
		}
		one.Release()
		if a.InFlight() != 0 {
			t.Errorf("%d in flight", a.InFlight())
		}
	})
}

// TestAdmissionOrder checks that growth goes before new requests, and that each queue is served in its order.
func TestAdmissionOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAdmission(100, time.Minute)
		ctx := t.Context()
		holder, grower := a.Admit(ctx, 60), a.Admit(ctx, 30)
		var order []string
		var mu sync.Mutex
		var wg sync.WaitGroup
		log := func(s string) { mu.Lock(); order = append(order, s); mu.Unlock() }
		wg.Go(func() {
			tk := a.Admit(ctx, 50)
			log("first new")
			synctest.Wait()
			tk.Release()
		})
		synctest.Wait()
		wg.Go(func() {
			tk := a.Admit(ctx, 60)
			log("second new")
			tk.Release()
		})
		synctest.Wait()
		wg.Go(func() {
			if !grower.Grow(ctx, 70) {
				t.Error("growth was refused")
			}
			log("growth")
			grower.Release()
		})
		synctest.Wait()
		if grower.TryGrow(71) {
			t.Error("growth went before growth that waits")
		}
		holder.Release()
		wg.Wait()
		if len(order) != 3 || order[0] != "growth" || order[1] != "first new" {
			t.Errorf("served in order %q", order)
		}
		if a.InFlight() != 0 {
			t.Errorf("%d in flight", a.InFlight())
		}
	})
}

func TestAdmissionContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAdmission(100, time.Minute)
		one := a.Admit(t.Context(), 100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if a.Admit(ctx, 10) != nil || time.Since(start) != time.Second {
			t.Errorf("admitted, or waited %v on a context of a second", time.Since(start))
		}
		one.Release()
		two := a.Admit(t.Context(), 100)
		if two == nil {
			t.Fatal("who gave up stands in the way")
		}
		two.Release()
	})
}

// TestAdmissionNeverExceeds has many requests come and grow at once and checks that the budget holds.
func TestAdmissionNeverExceeds(t *testing.T) {
	a := NewAdmission(1000, 5*time.Millisecond)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 100 {
				tk := a.Admit(context.Background(), int64(i+1))
				if tk == nil {
					continue
				}
				tk.TryGrow(int64(j * 5))
				if n := a.InFlight(); n > 1000 {
					t.Errorf("%d bytes in flight", n)
				}
				tk.Release()
			}
		})
	}
	wg.Wait()
	if a.InFlight() != 0 {
		t.Errorf("%d in flight at the end", a.InFlight())
	}
}
