// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// customer is somebody who may come to the shop.
type customer struct {
	number        int
	id            string
	email, tenant string
}

// customerPassword is everybody's.
const customerPassword = "correct horse battery staple"

func customerOf(n int) customer {
	tenants := []string{"acme", "globex", "initech"}
	id := fmt.Sprintf("u-%d", 1000+n)
	return customer{number: n, id: id, email: id + "@shop.example", tenant: tenants[n%len(tenants)]}
}

// firstToken opens the session that a customer has before logging in for the first time.
func (c customer) firstToken() string { return fmt.Sprintf("%08x-first-session", 0x5eed0000+c.number) }

// journey is what a customer comes for. Each is one request to web, and so one trace.
type journey string

// The journeys.
const (
	browse    journey = "browse"
	look      journey = "look" // at one product: the other half of browsing
	find      journey = "search"
	addToCart journey = "add-to-cart"
	buy       journey = "checkout"
	logIn     journey = "login"
)

// shopper is a customer in the shop. It is not instrumented: browsers rarely are.
type shopper struct {
	customer
	shop   *shop
	client *http.Client

	mu    sync.Mutex
	token string
	items int // in the cart, as far as the shopper knows
}

func newShopper(s *shop, transport http.RoundTripper, n int) *shopper {
	c := customerOf(n)
	return &shopper{customer: c, shop: s, client: &http.Client{Transport: transport}, token: c.firstToken()}
}

// choose picks what the shopper does next.
func (s *shopper) choose() journey {
	switch n := s.shop.luck.below(100); {
	case n < 22:
		return browse
	case n < 45:
		return look
	case n < 70:
		return find
	case n < 85:
		return addToCart
	case n < 95:
		return buy
	default:
		return logIn
	}
}

// make goes on a journey. An error is what the shop answered, if that was no success.
func (s *shopper) make(ctx context.Context, j journey) error {
	all, luck := goods(), s.shop.luck
	item := all[luck.below(len(all))]
	switch j {
	case browse:
		return s.request(ctx, http.MethodGet, "/?category="+item.Category, nil, nil)
	case look:
		if luck.fails(0.02) {
			item.ID = "p-99" // a link from long ago
		}
		return s.request(ctx, http.MethodGet, "/products/"+item.ID, nil, nil)
	case find:
		words := strings.Fields(item.Name)
		return s.request(ctx, http.MethodGet, "/search?q="+url.QueryEscape(strings.Join(words[luck.below(2):], " ")), nil, nil)
	case addToCart:
		err := s.request(ctx, http.MethodPost, "/cart", selection{ProductID: item.ID, Quantity: int32(1 + luck.below(3))}, nil)
		if err == nil {
			s.carry(1)
		}
		return err
	case buy:
		var wanted purchase
		if s.carry(0) == 0 {
			wanted.BuyNow = &selection{ProductID: item.ID, Quantity: 1}
		}
		err := s.request(ctx, http.MethodPost, "/checkout", wanted, nil)
		if err == nil && wanted.BuyNow == nil {
			s.carry(-1)
		}
		return err
	default:
		return s.logIn(ctx)
	}
}

// carry counts items of the cart: n more, or none any more when n is negative. It returns how many there are.
func (s *shopper) carry(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items += n
	if n < 0 {
		s.items = 0
	}
	return s.items
}

func (s *shopper) logIn(ctx context.Context) error {
	c := credential{Email: s.email, Password: customerPassword}
	if s.shop.luck.fails(0.08) {
		c.Password = "hunter2"
	}
	var got grant
	if err := s.request(ctx, http.MethodPost, "/login", c, &got); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = got.Token
	return nil
}

// request asks web for something as this customer's browser would.
func (s *shopper) request(ctx context.Context, method, path string, in, out any) error {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	ctx = context.WithValue(ctx, browserKey{}, browser{customer: s.customer, token: token})
	return call(ctx, s.client, method, "http://web"+path, in, out)
}

// browser is what a request of a customer tells of them.
type browser struct {
	customer
	token string
}

type browserKey struct{}

// internet is the way from browsers to web: cookies, addresses and, under [MissingRoot], a load balancer that begins
// a trace and tells nobody.
type internet struct {
	next   http.RoundTripper
	faults *switchboard
	luck   *luck
}

// RoundTrip implements [http.RoundTripper].
func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	if b, ok := r.Context().Value(browserKey{}).(browser); ok {
		for name, value := range map[string]string{tenantCookie: b.tenant, userCookie: b.id, sessionCookie: b.token} {
			out.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		out.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", 1+b.number%254)) // a net reserved for documentation
		out.Header.Set("User-Agent", []string{
			"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
		}[b.number%2])
	}
	if i.faults.on(MissingRoot) {
		parent := i.balancer()
		out.Header.Set("Traceparent", fmt.Sprintf("00-%s-%s-01", parent.TraceID(), parent.SpanID()))
	}
	return i.next.RoundTrip(out)
}

// balancer makes up the span that the load balancer keeps to itself.
func (i *internet) balancer() trace.SpanContext {
	var traceID trace.TraceID
	var spanID trace.SpanID
	for n := range traceID {
		traceID[n] = byte(1 + i.luck.below(255))
	}
	for n := range spanID {
		spanID[n] = byte(1 + i.luck.below(255))
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled})
}
