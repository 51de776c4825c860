// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// gateway is the shop's API: it knows who may do what and which service does it.
type gateway struct {
	*service
	auth           shoppb.AuthClient
	cart           shoppb.CartClient
	recommendation shoppb.RecommendationClient
	inner          *http.Client
	sessions       *cache[*shoppb.Session]
}

// recommendationPatience is how long a page waits for recommendations.
const recommendationPatience = 150 * time.Millisecond

func buildGateway(s *service) error {
	auth, err := s.dial("auth")
	if err != nil {
		return err
	}
	cart, err := s.dial("cart")
	if err != nil {
		return err
	}
	recommendation, err := s.dial("recommendation")
	if err != nil {
		return err
	}
	g := &gateway{
		service:        s,
		auth:           shoppb.NewAuthClient(auth),
		cart:           shoppb.NewCartClient(cart),
		recommendation: shoppb.NewRecommendationClient(recommendation),
		inner:          s.persistent(1, 8*time.Second, 20*time.Millisecond),
		sessions:       newCache[*shoppb.Session]("sessions", 1000, 20*time.Second),
	}
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/products":        g.passTo("catalog", "/products"),
		"GET /api/products/{id}":   g.product,
		"GET /api/search":          g.passTo("search", "/search"),
		"GET /api/recommendations": g.recommendations,
		"POST /api/cart":           g.members(g.addToCart),
		"POST /api/checkout":       g.members(g.checkout),
		"POST /api/login":          g.login,
	} {
		s.route(pattern, g.named(handle))
	}
	return nil
}

// named makes the mistake of [HighCardinalityNames] when that is wanted.
func (g *gateway) named(handle func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if g.faults.on(HighCardinalityNames) {
			trace.SpanFromContext(r.Context()).SetName(r.Method + " " + r.URL.RequestURI())
			r.Pattern = "" // or the instrumentation would set the name right again
		}
		return handle(w, r)
	}
}

// members lets only those in who have a session.
func (g *gateway) members(handle func(w http.ResponseWriter, r *http.Request, user string) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		token := r.Header.Get(tokenHeader)
		session, err := g.sessions.get(r.Context(), token, func() (*shoppb.Session, error) {
			return g.auth.Verify(r.Context(), &shoppb.VerifyRequest{Token: token})
		})
		if err != nil {
			return err
		}
		return handle(w, r, session.GetUserId())
	}
}

// passTo hands a GET on as it is.
func (g *gateway) passTo(target, path string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var answer []product
		if err := call(r.Context(), g.inner, http.MethodGet, "http://"+target+path+"?"+r.URL.RawQuery, nil, &answer); err != nil {
			return err
		}
		return respond(w, http.StatusOK, answer)
	}
}

func (g *gateway) product(w http.ResponseWriter, r *http.Request) error {
	var item product
	if err := call(r.Context(), g.inner, http.MethodGet, "http://catalog/products/"+url.PathEscape(r.PathValue("id")), nil, &item); err != nil {
		return err
	}
	return respond(w, http.StatusOK, item)
}

func (g *gateway) recommendations(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), recommendationPatience)
	defer cancel()
	user := baggage.FromContext(ctx).Member(userKey).Value()
	answer, err := g.recommendation.Recommend(ctx, &shoppb.RecommendRequest{UserId: user, Count: 4})
	if err != nil {
		return err
	}
	var products []product
	ids := url.Values{"ids": {strings.Join(answer.GetProductIds(), ",")}}
	if err := call(r.Context(), g.inner, http.MethodGet, "http://catalog/products?"+ids.Encode(), nil, &products); err != nil {
		return err
	}
	return respond(w, http.StatusOK, products)
}

func (g *gateway) addToCart(w http.ResponseWriter, r *http.Request, user string) error {
	var wanted selection
	if err := parse(r, &wanted); err != nil {
		return err
	}
	basket, err := g.cart.AddItem(r.Context(), &shoppb.AddItemRequest{UserId: user, ProductId: wanted.ProductID, Quantity: wanted.Quantity})
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, map[string]int{"items": len(basket.GetItems())})
}

// order is what checkout is asked to carry out.
type order struct {
	UserID string     `json:"userId"`
	BuyNow *selection `json:"buyNow,omitempty"`
}

func (g *gateway) checkout(w http.ResponseWriter, r *http.Request, user string) error {
	var wanted purchase
	if err := parse(r, &wanted); err != nil {
		return err
	}
	var placed receipt
	if err := call(r.Context(), g.inner, http.MethodPost, "http://checkout/orders", order{UserID: user, BuyNow: wanted.BuyNow}, &placed); err != nil {
		return err
	}
	return respond(w, http.StatusCreated, placed)
}

func (g *gateway) login(w http.ResponseWriter, r *http.Request) error {
	var c credential
	if err := parse(r, &c); err != nil {
		return err
	}
	session, err := g.auth.Login(r.Context(), &shoppb.LoginRequest{Email: c.Email, Password: c.Password})
	if status.Code(err) == codes.Unauthenticated {
		trace.SpanFromContext(r.Context()).AddEvent("login refused", trace.WithAttributes(attribute.String("reason", "wrong password")))
		return &statusError{status: http.StatusUnauthorized, message: "e-mail address or password is wrong"}
	}
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, grant{Token: session.GetToken()})
}
