// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// auth knows the customers by e-mail address and password, and their sessions by token.
type auth struct {
	shoppb.UnimplementedAuthServer
	*service
	db *database
}

// passwordRounds makes a password about as slow to guess as a demo can afford on the machine of a developer.
const passwordRounds = 5000

// buildAuth opens the service with its first customers, who all chose the same password and are all logged in already.
func buildAuth(users int) func(*service) error {
	return func(s *service) error {
		db, err := s.open("auth",
			`CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT UNIQUE, password BLOB)`,
			`CREATE TABLE sessions (user_id TEXT PRIMARY KEY, token TEXT UNIQUE)`,
		)
		if err != nil {
			return err
		}
		hash, err := hashPassword(customerPassword)
		if err != nil {
			return err
		}
		tx, err := db.pool.Begin()
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after the commit
		for n := range users {
			c := customerOf(n)
			if _, err := tx.Exec(`INSERT INTO users (id, email, password) VALUES (?, ?, ?)`, c.id, c.email, hash); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO sessions (user_id, token) VALUES (?, ?)`, c.id, c.firstToken()); err != nil {
				return err
			}
		}
		shoppb.RegisterAuthServer(s.grpcServer(), &auth{service: s, db: db})
		return tx.Commit()
	}
}

// Login implements [shoppb.AuthServer].
func (a *auth) Login(ctx context.Context, r *shoppb.LoginRequest) (*shoppb.Session, error) {
	var id string
	var want []byte
	err := a.db.query(ctx, `SELECT id, password FROM users WHERE email = ?`,
		func(rows *sql.Rows) error { return rows.Scan(&id, &want) }, r.GetEmail())
	if err != nil {
		return nil, err
	}
	if id == "" || !a.matches(ctx, r.GetPassword(), want) {
		return nil, status.Error(codes.Unauthenticated, "e-mail address or password is wrong")
	}
	token := rand.Text()
	_, err = a.db.exec(ctx, `INSERT INTO sessions (user_id, token) VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET token = excluded.token`, id, token)
	if err != nil {
		return nil, err
	}
	return &shoppb.Session{Token: token, UserId: id}, nil
}

// Verify implements [shoppb.AuthServer].
func (a *auth) Verify(ctx context.Context, r *shoppb.VerifyRequest) (*shoppb.Session, error) {
	var user string
	err := a.db.query(ctx, `SELECT user_id FROM sessions WHERE token = ?`,
		func(rows *sql.Rows) error { return rows.Scan(&user) }, r.GetToken())
	if err != nil {
		return nil, err
	}
	if user == "" {
		return nil, status.Error(codes.Unauthenticated, "the session has ended; log in again")
	}
	return &shoppb.Session{Token: r.GetToken(), UserId: user}, nil
}

// matches compares a password with its hash: slow on purpose, hence a span.
func (a *auth) matches(ctx context.Context, password string, want []byte) bool {
	_, span := a.begin(ctx, "hash password", trace.WithAttributes(attribute.Int("auth.pbkdf2.rounds", passwordRounds)))
	defer span.End()
	got, err := hashPassword(password)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

func hashPassword(password string) ([]byte, error) {
	hash, err := pbkdf2.Key(sha256.New, password, []byte("clew demo"), passwordRounds, 32)
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
