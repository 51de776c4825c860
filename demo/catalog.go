// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// catalog knows the goods. It keeps products it was asked for in a cache, a pod each its own.
type catalog struct {
	*service
	db       *database
	products *cache[product]
}

// slowPod is the pod that [SlowCatalog] befalls.
const slowPod = "catalog-2"

func buildCatalog(s *service) error {
	db, err := s.open("catalog",
		`CREATE TABLE IF NOT EXISTS products (id TEXT PRIMARY KEY, name TEXT, category TEXT)`,
		`CREATE TABLE IF NOT EXISTS prices (product_id TEXT PRIMARY KEY, cents INTEGER)`,
		`CREATE INDEX IF NOT EXISTS products_by_category ON products (category)`,
	)
	if err != nil {
		return err
	}
	for _, p := range goods() {
		if _, err := db.pool.Exec(`INSERT OR IGNORE INTO products (id, name, category) VALUES (?, ?, ?)`, p.ID, p.Name, p.Category); err != nil {
			return err
		}
		if _, err := db.pool.Exec(`INSERT OR IGNORE INTO prices (product_id, cents) VALUES (?, ?)`, p.ID, p.PriceCents); err != nil {
			return err
		}
	}
	c := &catalog{service: s, db: db, products: newCache[product]("products", 32, 30*time.Second)}
	s.route("GET /products", c.list)
	s.route("GET /products/{id}", c.one)
	return nil
}

// list answers with the products of a category, or with those of a list of ids.
func (c *catalog) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := c.dawdle(ctx); err != nil {
		return err
	}
	where, args := "p.category = ?", []any{r.URL.Query().Get("category")}
	if ids := r.URL.Query().Get("ids"); ids != "" {
		args = args[:0]
		for id := range strings.SplitSeq(ids, ",") {
			args = append(args, id)
		}
		where = "p.id IN (?" + strings.Repeat(", ?", len(args)-1) + ")"
	}
	find := c.joined
	if c.faults.on(NPlusOne) {
		find = c.oneByOne
	}
	products, err := find(ctx, where, args)
	if err != nil {
		return record(ctx, err)
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.Int("shop.products.count", len(products)))
	return respond(w, http.StatusOK, products)
}

// joined finds products with their prices in one query.
func (c *catalog) joined(ctx context.Context, where string, args []any) ([]product, error) {
	products := []product{}
	err := c.db.query(ctx,
		`SELECT p.id, p.name, p.category, x.cents FROM products p JOIN prices x ON x.product_id = p.id WHERE `+where+` ORDER BY p.id`,
		func(rows *sql.Rows) error {
			var p product
			err := rows.Scan(&p.ID, &p.Name, &p.Category, &p.PriceCents)
			products = append(products, p)
			return err
		}, args...)
	return products, err
}

// oneByOne finds the same with one query and one more for every product: the mistake of [NPlusOne].
func (c *catalog) oneByOne(ctx context.Context, where string, args []any) ([]product, error) {
	products := []product{}
	err := c.db.query(ctx, `SELECT p.id, p.name, p.category FROM products p WHERE `+where+` ORDER BY p.id`,
		func(rows *sql.Rows) error {
			var p product
			err := rows.Scan(&p.ID, &p.Name, &p.Category)
			products = append(products, p)
			return err
		}, args...)
	if err != nil {
		return nil, err
	}
	for i := range products {
		p := &products[i]
		err := c.db.query(ctx, `SELECT cents FROM prices WHERE product_id = ?`,
			func(rows *sql.Rows) error { return rows.Scan(&p.PriceCents) }, p.ID)
		if err != nil {
			return nil, err
		}
	}
	return products, nil
}

// one answers with a single product.
func (c *catalog) one(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	if err := c.dawdle(ctx); err != nil {
		return err
	}
	found, err := c.products.get(ctx, id, func() (product, error) {
		products, err := c.joined(ctx, "p.id = ?", []any{id})
		if err != nil {
			return product{}, record(ctx, err)
		}
		i := slices.IndexFunc(products, func(p product) bool { return p.ID == id })
		if i < 0 {
			return product{}, &statusError{status: http.StatusNotFound, message: fmt.Sprintf("product %s: not in the catalog", id)}
		}
		return products[i], nil
	})
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, found)
}

// dawdle is the time that an answer takes beside its queries.
func (c *catalog) dawdle(ctx context.Context) error {
	if c.instance == slowPod && c.faults.on(SlowCatalog) {
		return c.luck.work(ctx, 700*time.Millisecond)
	}
	return c.luck.work(ctx, time.Millisecond)
}
