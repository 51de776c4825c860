// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// web is the storefront: it answers browsers, asks the gateway for what a page needs, and renders. Here a request
// becomes a trace, and who the customer is becomes baggage.
type web struct {
	*service
	api *http.Client
}

// The cookies that a browser of the shop carries.
const (
	tenantCookie  = "tenant"
	userCookie    = "user"
	sessionCookie = "session"
)

const gatewayURL = "http://api-gateway/api"

func buildWeb(s *service) error {
	web := &web{service: s, api: s.client()}
	s.wrap = identify
	s.route("GET /{$}", web.home)
	s.route("GET /products/{id}", web.product)
	s.route("GET /search", web.search)
	s.route("POST /cart", web.addToCart)
	s.route("POST /checkout", web.checkout)
	s.route("POST /login", web.login)
	return nil
}

// identify puts what the cookies say into baggage, before the span of the request begins, so that this span and all
// below it carry it.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value := func(name string) string {
			cookie, err := r.Cookie(name)
			if err != nil {
				return ""
			}
			return cookie.Value
		}
		// The session of the baggage is a name for it, not the token that opens it.
		ctx := withIdentity(r.Context(), value(tenantCookie), value(userCookie), shorten(value(sessionCookie)))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// shorten returns the part of a session token that may be seen.
func shorten(token string) string { return token[:min(len(token), 8)] }

func (web *web) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var products, recommended []product
	var listErr, recommendErr error
	var both sync.WaitGroup
	both.Go(func() {
		query := url.Values{"category": {r.URL.Query().Get("category")}}
		listErr = call(ctx, web.api, http.MethodGet, gatewayURL+"/products?"+query.Encode(), nil, &products)
	})
	both.Go(func() {
		recommendErr = call(ctx, web.api, http.MethodGet, gatewayURL+"/recommendations", nil, &recommended)
	})
	both.Wait()
	if listErr != nil {
		return listErr
	}
	if recommendErr != nil {
		// The page is shown without recommendations rather than not at all.
		trace.SpanFromContext(ctx).AddEvent("recommendations left out", trace.WithAttributes(
			attribute.String("reason", recommendErr.Error())))
	}
	return web.render(w, r, "home", append(products, recommended...))
}

func (web *web) product(w http.ResponseWriter, r *http.Request) error {
	var item product
	if err := call(r.Context(), web.api, http.MethodGet, gatewayURL+"/products/"+url.PathEscape(r.PathValue("id")), nil, &item); err != nil {
		return err
	}
	return web.render(w, r, "product", item)
}

func (web *web) search(w http.ResponseWriter, r *http.Request) error {
	var found []product
	query := url.Values{"q": {r.URL.Query().Get("q")}}
	if err := call(r.Context(), web.api, http.MethodGet, gatewayURL+"/search?"+query.Encode(), nil, &found); err != nil {
		return err
	}
	return web.render(w, r, "search", found)
}

// selection is a product somebody wants.
type selection struct {
	ProductID string `json:"productId"`
	Quantity  int32  `json:"quantity"`
}

func (web *web) addToCart(w http.ResponseWriter, r *http.Request) error {
	return web.forward(w, r, "/cart", "cart", &selection{})
}

// purchase is a request to buy what is in the cart or, when that is empty, one product at once.
type purchase struct {
	BuyNow *selection `json:"buyNow,omitempty"`
}

func (web *web) checkout(w http.ResponseWriter, r *http.Request) error {
	return web.forward(w, r, "/checkout", "thanks", &purchase{})
}

// credential is what a customer logs in with.
type credential struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// grant is what a customer gets for it.
type grant struct {
	Token string `json:"token"`
}

func (web *web) login(w http.ResponseWriter, r *http.Request) error {
	return web.forward(w, r, "/login", "welcome", &credential{})
}

// forward posts the form, read into v, to the gateway and shows the answer on a page.
func (web *web) forward(w http.ResponseWriter, r *http.Request, path, page string, form any) error {
	if err := parse(r, form); err != nil {
		return err
	}
	var answer map[string]any
	if err := web.post(r, path, form, &answer); err != nil {
		return err
	}
	return web.render(w, r, page, answer)
}

// post calls the gateway with the customer's session.
func (web *web) post(r *http.Request, path string, in, out any) error {
	token := ""
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		token = cookie.Value
	}
	return call(withToken(r.Context(), token), web.api, http.MethodPost, gatewayURL+path, in, out)
}

// render makes the page.
func (web *web) render(w http.ResponseWriter, r *http.Request, page string, content any) error {
	ctx, span := web.begin(r.Context(), "render "+page, trace.WithAttributes(attribute.String("shop.page", page)))
	defer span.End()
	if err := web.luck.work(ctx, 2*time.Millisecond); err != nil {
		return record(ctx, fmt.Errorf("render %s: %w", page, err))
	}
	// Browsers show this header among a request's timings: the way from a page to its trace.
	c := span.SpanContext()
	w.Header().Set("Server-Timing", fmt.Sprintf(`traceparent;desc="00-%s-%s-01"`, c.TraceID(), c.SpanID()))
	return respond(w, http.StatusOK, content)
}
