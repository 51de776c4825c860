// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// database is a service's handle on an SQL database. Each statement becomes a CLIENT span by the database conventions;
// its text holds placeholders, never values.
type database struct {
	pool      *sql.DB
	tracer    trace.Tracer
	namespace string
}

// open connects to the shop's database of that name, which all pods of the shop share and which lives in memory as
// long as one of them holds it open. It makes sure of the schema.
func (s *service) open(namespace string, schema ...string) (*database, error) {
	// Transactions are begun for writing at once: two that read first and write later would block each other.
	pool, err := sql.Open("sqlite", fmt.Sprintf("file:/%s-%s?vfs=memdb&_pragma=busy_timeout(5000)&_txlock=immediate", s.id, namespace))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", namespace, err)
	}
	pool.SetMaxOpenConns(4)
	pool.SetMaxIdleConns(4)
	s.cleanups = append(s.cleanups, pool.Close)
	// One connection is kept for good: the database goes with its last one.
	keeper, err := pool.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", namespace, err)
	}
	s.cleanups = append(s.cleanups, keeper.Close)
	for _, statement := range schema {
		if _, err := keeper.ExecContext(context.Background(), statement); err != nil {
			return nil, fmt.Errorf("prepare database %s: %w", namespace, err)
		}
	}
	return &database{pool: pool, tracer: s.tracer, namespace: namespace}, nil
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// query runs a SELECT and hands its rows to scan one by one.
func (db *database) query(ctx context.Context, query string, scan func(*sql.Rows) error, args ...any) error {
	return db.queryOn(ctx, db.pool, query, scan, args...)
}

// exec runs a statement that returns no rows and says how many it changed.
func (db *database) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return db.execOn(ctx, db.pool, query, args...)
}

// transact runs f in a transaction, which stands or falls with what f returns.
func (db *database) transact(ctx context.Context, f func(tx *transaction) error) error {
	inner, err := db.begin(ctx)
	if err != nil {
		return err
	}
	if err := f(&transaction{db: db, tx: inner}); err != nil {
		_, span := db.start(ctx, "ROLLBACK")
		_ = db.end(span, inner.Rollback()) // the span has it; what f returned says more
		return err
	}
	_, span := db.start(ctx, "COMMIT")
	return db.end(span, inner.Commit())
}

func (db *database) begin(ctx context.Context) (*sql.Tx, error) {
	spanned, span := db.start(ctx, "BEGIN")
	tx, err := db.pool.BeginTx(spanned, nil)
	return tx, db.end(span, err)
}

// transaction runs statements in a transaction.
type transaction struct {
	db *database
	tx *sql.Tx
}

func (t *transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return t.db.execOn(ctx, t.tx, query, args...)
}

func (db *database) queryOn(ctx context.Context, on querier, query string, scan func(*sql.Rows) error, args ...any) error {
	ctx, span := db.start(ctx, query)
	n := 0
	err := func() error {
		rows, err := on.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // Err below has the last word
		for ; rows.Next(); n++ {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}()
	span.SetAttributes(semconv.DBResponseReturnedRows(n))
	return db.end(span, err)
}

func (db *database) execOn(ctx context.Context, on querier, query string, args ...any) (int64, error) {
	ctx, span := db.start(ctx, query)
	result, err := on.ExecContext(ctx, query, args...)
	if err := db.end(span, err); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// start begins the span of a statement.
func (db *database) start(ctx context.Context, query string) (context.Context, trace.Span) {
	operation, table := summarize(query)
	summary := strings.TrimSpace(operation + " " + table)
	ctx, span := db.tracer.Start(ctx, summary, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.DBSystemNameSQLite,
		semconv.DBNamespace(db.namespace),
		semconv.DBOperationName(operation),
		semconv.DBQueryText(query),
		semconv.DBQuerySummary(summary),
	))
	if table != "" {
		span.SetAttributes(semconv.DBCollectionName(table))
	}
	return ctx, span
}

// end ends the span of a statement and returns its error with the statement's database in front.
func (db *database) end(span trace.Span, err error) error {
	defer span.End()
	if err == nil {
		return nil
	}
	span.RecordError(err, trace.WithStackTrace(true))
	span.SetStatus(codes.Error, err.Error())
	span.SetAttributes(semconv.ErrorType(err))
	return fmt.Errorf("database %s: %w", db.namespace, err)
}

// summarize returns the operation of a statement and the first table it names, which is all that db.query.summary
// needs for the statements in this shop.
func summarize(query string) (operation, table string) {
	words := strings.Fields(query)
	operation = strings.ToUpper(words[0])
	for i, word := range words[:len(words)-1] {
		switch strings.ToUpper(word) {
		case "FROM", "INTO", "UPDATE":
			table, _, _ = strings.Cut(words[i+1], "(")
			return operation, table
		}
	}
	return operation, ""
}
