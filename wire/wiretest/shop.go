// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/clew-tracing/clew/span"
)

// Shop returns at least n spans (whole traces, so a few more) of a shop with fourteen services in six languages, around
// [Epoch], as their exporters send them: each instance on its own, up to 60 spans a request, so that a trace comes in
// several requests.
func Shop(seed uint64, n int) *Corpus { return ShopAt(seed, n, Epoch, 600e9) }

// ShopAt is [Shop] with traces that begin within window ns after start (unix ns).
func ShopAt(seed uint64, n int, start, window int64) *Corpus {
	s := &shop{Rand: rand.New(rand.NewPCG(seed, 0x54)), c: &Corpus{Want: &span.Batch{}}}
	s.open()
	for s.made < n {
		s.journey(uint64(start + int64(float64(window)*float64(s.made)/float64(n))))
	}
	for _, svc := range s.services {
		for _, p := range svc.pods {
			s.export(p)
		}
	}
	return s.c
}

// batchSize is how many spans an instance collects before it sends them.
const batchSize = 60

type shop struct {
	*rand.Rand
	c        *Corpus
	made     int
	services []*service
	byName   map[string]*service
	skus     []string
}

// service is a deployment of one or more pods.
type service struct {
	name, language string
	pods           []*pod
}

// pod is an instance with an exporter of its own.
type pod struct {
	resource []Attr
	pending  map[string][]Span // by scope
	size     int
	skew     int64 // ns by which its clock is wrong
}

// libraries are the scope names of instrumentation by language: server, client, database, messaging.
var libraries = map[string][4]string{
	"go":     {"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", "github.com/XSAM/otelsql", "github.com/segmentio/kafka-go"},
	"nodejs": {"@opentelemetry/instrumentation-http", "@opentelemetry/instrumentation-undici", "@opentelemetry/instrumentation-pg", "@opentelemetry/instrumentation-kafkajs"},
	"python": {"opentelemetry.instrumentation.fastapi", "opentelemetry.instrumentation.requests", "opentelemetry.instrumentation.sqlalchemy", "opentelemetry.instrumentation.kafka"},
	"java":   {"io.opentelemetry.tomcat-10.0", "io.opentelemetry.java-http-client", "io.opentelemetry.jdbc", "io.opentelemetry.kafka-clients-2.6"},
	"dotnet": {"Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "Confluent.Kafka"},
	"webjs":  {"@opentelemetry/instrumentation-document-load", "@opentelemetry/instrumentation-fetch", "", ""},
}

func (s *shop) open() {
	s.byName = map[string]*service{}
	for _, d := range []struct {
		name, language, version string
		pods                    int
	}{
		{"web", "webjs", "4.2.0", 1}, {"frontend", "nodejs", "4.2.0", 3}, {"gateway", "go", "2.0.7", 2}, {"catalog", "java", "7.11.1", 3},
		{"search", "python", "0.9.4", 2}, {"cart", "dotnet", "3.3.0", 2}, {"checkout", "go", "1.48.2", 3}, {"payment", "java", "5.0.0", 2},
		{"inventory", "go", "1.2.0", 2}, {"shipping", "python", "2.6.0", 1}, {"email", "nodejs", "1.0.3", 1}, {"auth", "dotnet", "8.1.0", 2},
		{"recommendations", "python", "0.4.0", 1}, {"currency", "go", "1.0.0", 1},
	} {
		svc := &service{name: d.name, language: d.language}
		for i := range d.pods {
			id := s.uuid()
			p := &pod{pending: map[string][]Span{}, skew: s.Int64N(2_000_000) - 1_000_000}
			p.resource = []Attr{
				str("service.name", d.name), str("service.version", d.version), str("service.namespace", "shop"), str("service.instance.id", id),
				str("telemetry.sdk.name", "opentelemetry"), str("telemetry.sdk.language", d.language), str("telemetry.sdk.version", "1.41.0"),
				str("deployment.environment.name", "production"),
			}
			if d.language != "webjs" {
				p.resource = append(p.resource, str("k8s.namespace.name", "shop"), str("k8s.pod.name", fmt.Sprintf("%s-%s-%d", d.name, id[:5], i)),
					str("host.name", fmt.Sprintf("node-%02d", s.IntN(12))), str("os.type", "linux"), num("process.pid", int64(1+s.IntN(30000))),
					val("process.command_args", span.ArrayValue(span.StringValue("/app/"+d.name), span.StringValue("--port=8080"))))
			}
			svc.pods = append(svc.pods, p)
		}
		s.services = append(s.services, svc)
		s.byName[d.name] = svc
	}
	for i := range 400 {
		s.skus = append(s.skus, fmt.Sprintf("SKU-%05d", i*37))
	}
}

func (s *shop) uuid() string {
	b := s.id(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *shop) id(n int) []byte {
	var b []byte
	for len(b) < n {
		b = binary.BigEndian.AppendUint64(b, s.Uint64()|1)
	}
	return b
}

// lasts returns a lognormal time around median, ns.
func (s *shop) lasts(median float64) uint64 { return uint64(median * math.Exp(0.6*s.NormFloat64())) }

// step is a span under way in a trace.
type step struct {
	s     *shop
	pod   *pod
	svc   *service
	scope string
	sp    Span
	now   uint64
}

// begin starts a span of a service at a time, as a child of parent (nil for a root).
func (s *shop) begin(parent *step, name string, svc *service, p *pod, kind int32, lib int, now uint64) *step {
	t := &step{s: s, svc: svc, pod: p, scope: libraries[svc.language][lib], now: now}
	t.sp = Span{SpanID: s.id(8), Name: name, Kind: kind, Start: now + uint64(p.skew), Flags: 0x101}
	if parent == nil {
		t.sp.TraceID = s.id(16)
	} else {
		t.sp.TraceID, t.sp.ParentID, t.sp.TraceState = parent.sp.TraceID, parent.sp.SpanID, parent.sp.TraceState
		if kind == 2 {
			t.sp.Flags |= 0x200
		}
	}
	return t
}

func (t *step) attrs(a ...Attr) *step { t.sp.Attrs = append(t.sp.Attrs, a...); return t }

// end finishes the span and hands it to its pod's exporter.
func (t *step) end() {
	t.sp.End = t.now + uint64(t.pod.skew)
	s := t.s
	t.pod.pending[t.scope] = append(t.pod.pending[t.scope], t.sp)
	t.pod.size++
	s.made++
	if t.pod.size >= batchSize {
		s.export(t.pod)
	}
}

// export sends what a pod has collected, one group a scope.
func (s *shop) export(p *pod) {
	var groups []Group
	for _, svc := range libraryOrder {
		if spans := p.pending[svc]; len(spans) > 0 {
			groups = append(groups, Group{Resource: p.resource, ResourceSchema: schema, Scope: svc, Version: "0.62.0", Spans: spans})
			p.pending[svc] = nil
		}
	}
	p.size = 0
	if groups != nil {
		s.c.add("shop", groups...)
	}
}

const schema = "https://opentelemetry.io/schemas/1.37.0"

// libraryOrder is all scopes, so that exports do not depend on the order of maps. Read-only.
var libraryOrder = func() (all []string) {
	for _, l := range []string{"go", "nodejs", "python", "java", "dotnet", "webjs"} {
		for _, lib := range libraries[l] {
			if lib != "" {
				all = append(all, lib)
			}
		}
	}
	return all
}()

// fail makes the span an error with an exception event.
func (t *step) fail(kind, message string) {
	t.sp.Status, t.sp.Message = 2, message
	t.attrs(str("error.type", kind))
	t.sp.Events = append(t.sp.Events, Event{Time: t.now + uint64(t.pod.skew), Name: "exception", Attrs: []Attr{
		str("exception.type", kind), str("exception.message", message),
		str("exception.stacktrace", kind+": "+message+"\n    at shop."+t.svc.name+".Handler.handle(Handler.java:"+fmt.Sprint(40+t.s.IntN(9))+")\n    at shop.Server.dispatch(Server.java:212)\n    at java.lang.Thread.run(Thread.java:1583)"),
	}})
}

// failed is what went wrong below, "" for nothing.
type failed string

// call makes a client span here and a server span in another service, in which work is done.
func (t *step) call(to, method, route string, work func(*step) failed) failed {
	s := t.s
	svc := s.byName[to]
	p := svc.pods[s.IntN(len(svc.pods))]
	client := s.begin(t, method, t.svc, t.pod, 3, 1, t.now)
	client.attrs(str("http.request.method", method), str("server.address", to), num("server.port", 8080), str("url.full", "http://"+to+":8080"+route), str("network.protocol.version", "1.1"))
	server := s.begin(client, method+" "+route, svc, p, 2, 0, t.now+s.lasts(200e3))
	server.attrs(str("http.request.method", method), str("http.route", route), str("url.path", route), str("url.scheme", "http"), str("client.address", fmt.Sprintf("10.0.%d.%d", s.IntN(4), s.IntN(250))), num("network.peer.port", int64(30000+s.IntN(9999))))
	server.now += s.lasts(300e3)
	why := work(server)
	server.now += s.lasts(150e3)
	code := int64(200)
	if why != "" {
		code = 500
		server.sp.Status = 2
		client.sp.Status = 2
		client.attrs(str("error.type", "500"))
	}
	server.attrs(num("http.response.status_code", code))
	server.end()
	client.now = server.now + s.lasts(200e3)
	client.attrs(num("http.response.status_code", code))
	client.end()
	t.now = client.now
	return why
}

// sql makes a span of a database client.
func (t *step) sql(system, operation, table string, median float64) {
	s := t.s
	d := s.begin(t, operation+" "+table, t.svc, t.pod, 3, 2, t.now)
	query := operation + " id, name, price FROM " + table + " WHERE id = $1"
	if operation == "INSERT" {
		query = "INSERT INTO " + table + " (id, total, created_at) VALUES ($1, $2, $3)"
	}
	d.attrs(str("db.system.name", system), str("db.namespace", "shop"), str("db.operation.name", operation), str("db.collection.name", table), str("db.query.text", query), str("server.address", system+".db"), num("server.port", 5432))
	d.now += s.lasts(median)
	d.end()
	t.now = d.now
}

// inner makes an internal span around work.
func (t *step) inner(name string, work func(*step) failed) failed {
	i := t.s.begin(t, name, t.svc, t.pod, 1, 0, t.now)
	i.now += t.s.lasts(50e3)
	why := work(i)
	if why != "" {
		i.sp.Status = 2
	}
	i.end()
	t.now = i.now
	return why
}

// journey is one visitor's click: from the browser through everything behind it.
func (s *shop) journey(at uint64) {
	web := s.byName["web"]
	root := s.begin(nil, "", web, web.pods[0], 1, 0, at)
	if s.IntN(5) == 0 {
		root.sp.TraceState = "ot=th:8"
	}
	user := fmt.Sprintf("user-%06d", int(math.Abs(s.NormFloat64())*40000))
	root.attrs(str("session.id", s.uuid()), str("user.id", user), str("browser.language", []string{"en-US", "de-DE", "ja-JP", "pt-BR"}[s.IntN(4)]), val("browser.mobile", span.BoolValue(s.IntN(3) == 0)))
	root.now += s.lasts(2e6)
	switch n := s.IntN(100); {
	case n < 40:
		root.sp.Name = "browse"
		s.browse(root)
	case n < 65:
		root.sp.Name = "search"
		s.search(root)
	case n < 80:
		root.sp.Name = "add-to-cart"
		s.addToCart(root)
	case n < 92:
		root.sp.Name = "checkout"
		s.checkout(root, user)
	default:
		root.sp.Name = "login"
		root.call("frontend", "POST", "/login", func(t *step) failed {
			return t.call("auth", "POST", "/token", func(t *step) failed {
				t.sql("postgresql", "SELECT", "users", 1e6)
				return ""
			})
		})
	}
	root.now += s.lasts(3e6)
	root.end()
}

func (s *shop) sku() string { return s.skus[min(len(s.skus)-1, int(math.Abs(s.NormFloat64())*60))] }

func (s *shop) browse(root *step) {
	sku := s.sku()
	root.call("frontend", "GET", "/product/{id}", func(t *step) failed {
		t.attrs(str("app.product.id", sku))
		return t.call("gateway", "GET", "/api/products/{id}", func(t *step) failed {
			why := t.call("catalog", "GET", "/products/{id}", func(t *step) failed {
				t.attrs(str("app.product.id", sku))
				if s.IntN(4) > 0 {
					t.sql("redis", "GET", "product", 300e3)
				} else {
					t.sql("postgresql", "SELECT", "products", 2e6)
				}
				if s.IntN(60) == 0 {
					t.now += s.lasts(1e9)
					t.fail("java.sql.SQLTimeoutException", "statement timed out after 1000 ms")
					return "catalog"
				}
				return ""
			})
			if why == "" {
				t.call("currency", "GET", "/rates", func(t *step) failed { return "" })
				t.call("recommendations", "GET", "/similar/{id}", func(t *step) failed {
					return t.inner("rank", func(t *step) failed {
						for range 1 + s.IntN(4) {
							t.sql("redis", "GET", "embedding", 200e3)
						}
						return ""
					})
				})
			}
			return why
		})
	})
}

func (s *shop) search(root *step) {
	words := []string{"red shoes", "coffee", "結帳", "usb-c cable", "garden chair"}[s.IntN(5)]
	root.call("frontend", "GET", "/search", func(t *step) failed {
		t.attrs(str("app.search.query", words))
		return t.call("search", "GET", "/query", func(t *step) failed {
			hits := int64(s.IntN(200))
			t.attrs(str("app.search.query", words), num("app.search.hits", hits), val("app.search.score", span.DoubleValue(s.Float64()*10)))
			t.sql("elasticsearch", "SEARCH", "products", 8e6)
			if hits > 150 { // one query a hit
				for range 20 {
					t.sql("postgresql", "SELECT", "prices", 500e3)
				}
			}
			return ""
		})
	})
}

func (s *shop) addToCart(root *step) {
	root.call("frontend", "POST", "/cart/items", func(t *step) failed {
		return t.call("cart", "POST", "/items", func(t *step) failed {
			t.attrs(str("app.product.id", s.sku()), num("app.quantity", int64(1+s.IntN(3))))
			t.call("inventory", "GET", "/stock/{id}", func(t *step) failed {
				t.sql("postgresql", "SELECT", "stock", 1e6)
				return ""
			})
			t.sql("redis", "HSET", "cart", 400e3)
			return ""
		})
	})
}

func (s *shop) checkout(root *step, user string) {
	order := fmt.Sprintf("order-%d", s.Uint64()>>20)
	root.call("frontend", "POST", "/checkout", func(t *step) failed {
		return t.call("checkout", "POST", "/orders", func(t *step) failed {
			t.attrs(str("app.order.id", order), str("user.id", user), val("app.order.total", span.DoubleValue(float64(s.IntN(50000))/100)), val("app.order.items", span.ArrayValue(span.StringValue(s.sku()), span.StringValue(s.sku()))))
			t.call("cart", "GET", "/items", func(t *step) failed { t.sql("redis", "HGETALL", "cart", 400e3); return "" })
			why := failed("payment")
			for attempt := range 3 {
				if why = t.call("payment", "POST", "/charges", func(t *step) failed {
					t.attrs(num("http.request.resend_count", int64(attempt)))
					t.now += s.lasts(30e6)
					if s.IntN(5) == 0 {
						t.fail("PaymentDeclined", "card declined for "+order)
						return "payment"
					}
					t.sql("postgresql", "INSERT", "charges", 3e6)
					return ""
				}); why == "" {
					break
				}
			}
			if why != "" {
				t.fail("CheckoutFailed", "no charge after three attempts")
				return why
			}
			t.sql("postgresql", "INSERT", "orders", 3e6)
			s.queue(t, order)
			return ""
		})
	})
}

// queue sends a message; shipping and email take it in traces of their own that link back.
func (s *shop) queue(t *step, order string) {
	send := s.begin(t, "send orders", t.svc, t.pod, 4, 3, t.now)
	send.attrs(str("messaging.system", "kafka"), str("messaging.destination.name", "orders"), str("messaging.operation.type", "send"), str("messaging.destination.partition.id", fmt.Sprint(s.IntN(8))), str("messaging.kafka.message.key", order))
	send.now += s.lasts(1e6)
	send.end()
	t.now = send.now
	for _, name := range []string{"shipping", "email"} {
		svc := s.byName[name]
		p := svc.pods[s.IntN(len(svc.pods))]
		take := s.begin(nil, "process orders", svc, p, 5, 3, send.now+s.lasts(20e6))
		take.attrs(str("messaging.system", "kafka"), str("messaging.destination.name", "orders"), str("messaging.operation.type", "process"), str("app.order.id", order))
		take.sp.Links = []Link{{TraceID: send.sp.TraceID, SpanID: send.sp.SpanID, TraceState: send.sp.TraceState, Flags: 0x301, Attrs: []Attr{num("messaging.kafka.offset", s.Int64N(1e6))}}}
		take.inner("render "+name, func(t *step) failed { t.now += s.lasts(5e6); return "" })
		take.sql("postgresql", "INSERT", name, 2e6)
		take.end()
	}
}
