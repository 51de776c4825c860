// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd sends shoppers into the shop at a rate, whether or not those before them are done: a slow shop gets full.
type crowd struct {
	shop     *shop
	shoppers []*shopper
	internet *balanced

	begun, failed, turnedAway atomic.Int64 // journeys
}

// crowdAtOnce is how many journeys may be under way; who comes then is turned away and counted.
const crowdAtOnce = 512

// journeyLimit ends a journey that hangs.
const journeyLimit = 30 * time.Second

func newCrowd(s *shop, users int) *crowd {
	c := &crowd{shop: s, internet: newBalanced(s.directory)}
	var way http.RoundTripper = &internet{next: c.internet, faults: s.faults, luck: s.luck}
	for n := range users {
		c.shoppers = append(c.shoppers, newShopper(s, way, n))
	}
	return c
}

// run begins journeys until ctx ends, rate of them per second on average, and then waits for those under way.
func (c *crowd) run(ctx context.Context, rate float64) {
	defer c.internet.CloseIdleConnections()
	var under sync.WaitGroup
	defer under.Wait()
	places := make(chan struct{}, crowdAtOnce)
	// Each waits for its own moment, not for the one before it to be begun: no rate is lost in between.
	for next := time.Now(); pause(ctx, time.Until(next)) == nil; next = next.Add(c.shop.luck.until(rate)) {
		select {
		case places <- struct{}{}:
		default:
			c.turnedAway.Add(1)
			continue
		}
		s := c.shoppers[c.shop.luck.below(len(c.shoppers))]
		j := s.choose()
		under.Go(func() {
			defer func() { <-places }()
			// A journey that is under way when the shop closes is finished.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journeyLimit)
			defer cancel()
			c.begun.Add(1)
			if s.make(ctx, j) != nil {
				c.failed.Add(1)
			}
		})
	}
}
