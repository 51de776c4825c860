// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// opening describes one service: what it is called and how it is made.
type opening struct {
	name    string
	version string
	pods    int
	build   func(*service) error
}

// roster lists the services of the shop.
func roster(users int) []opening {
	return []opening{
		{"web", "2.14.0", 1, buildWeb},
		{"api-gateway", "1.9.3", 1, buildGateway},
		{"auth", "3.1.0", 1, buildAuth(users)},
		{"catalog", "5.0.2", 2, buildCatalog},
		{"search", "0.27.1", 1, buildSearch},
		{"recommendation", "2.0.0", 1, buildRecommendation},
		{"cart", "1.4.8", 1, buildCart},
		{"inventory", "1.12.0", 2, buildInventory},
		{"checkout", "4.2.5", 1, buildCheckout},
		{"payment", "2.7.1", 1, buildPayment},
		{"fraud", "0.9.0", 1, buildFraud},
		{"shipping", "1.1.6", 1, buildShipping},
		{"notification", "1.3.0", 1, buildNotification},
	}
}

// shop is the whole of it, open for business.
type shop struct {
	*world
	outlet   *outlet
	names    int // services
	services []*service
	queue    *queue
	others   []*plain // the queue's server, and those who do not belong to the shop
}

// Time that closing takes at most, by its parts.
const (
	closeQueue    = 2 * time.Second
	closeServers  = 3 * time.Second
	closeDelivery = 5 * time.Second
	closeHopeless = time.Second // delivery, when nobody has been taking spans
)

func openShop(cfg Config, out *outlet) (_ *shop, err error) {
	s := &shop{
		outlet: out,
		world: &world{
			id:        rand.Text(),
			directory: newDirectory(),
			luck:      newLuck(cfg.Seed),
			faults:    &switchboard{},
		},
		queue: newQueue(map[string][]string{ordersTopic: {"shipping", "notification"}}),
	}
	s.luck.calm = cfg.calm
	for _, f := range cfg.Faults {
		s.faults.turn(f, true)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.settle(); err != nil {
		return nil, err
	}
	// All listen before any is built, so that each finds the others.
	openings := roster(cfg.Users)
	s.names = len(openings)
	builds := []func(*service) error{}
	for _, o := range openings {
		for pod := range o.pods {
			member, err := newService(s.world, o.name, o.version, pod+1, out)
			if err != nil {
				return nil, err
			}
			s.services = append(s.services, member)
			builds = append(builds, o.build)
		}
	}
	for i, build := range builds {
		if err := build(s.services[i]); err != nil {
			return nil, fmt.Errorf("open %s: %w", s.services[i].instance, err)
		}
	}
	for _, member := range s.services {
		member.serve()
	}
	return s, nil
}

// settle opens the queue and the neighbours of the shop.
func (s *shop) settle() error {
	for name, handler := range map[string]http.Handler{
		"queue":            s.queue.handler(),
		"acquirer.example": acquirer(s.world),
		"mail.example":     mailRelay(s.world),
	} {
		p, err := openPlain("127.0.0.1:0", handler)
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		s.others = append(s.others, p)
		s.directory.add(name, p.listener)
	}
	return nil
}

// close lets the queue run empty, ends every service and delivers the spans that are left.
func (s *shop) close() {
	deadline := time.Now().Add(closeQueue)
	for !s.queue.empty() && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	s.all(closeServers, func(_ context.Context, member *service) { member.retire() })
	s.all(closeServers, func(ctx context.Context, member *service) { member.stop(ctx) })
	delivery := closeDelivery
	if s.outlet.state() != nil {
		delivery = closeHopeless
	}
	s.all(delivery, func(ctx context.Context, member *service) { member.release(ctx) })
	ctx, cancel := context.WithTimeout(context.Background(), closeServers)
	defer cancel()
	for _, p := range s.others {
		p.stop(ctx)
	}
}

// all does one thing to all services at once, and waits for it.
func (s *shop) all(limit time.Duration, do func(context.Context, *service)) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var done sync.WaitGroup
	for _, member := range s.services {
		done.Go(func() { do(ctx, member) })
	}
	done.Wait()
}
