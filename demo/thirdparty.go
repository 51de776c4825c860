// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"net/http"
	"time"
)

// acquirer is the bank's end of a payment. It belongs to somebody else: no spans come from it.
func acquirer(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/authorizations", func(rw http.ResponseWriter, r *http.Request) {
		effort := 12 * time.Millisecond
		if w.luck.fails(0.01) {
			effort = 2 * acquirerPatience
		}
		if w.luck.work(r.Context(), effort) != nil {
			return // the caller has given up
		}
		switch {
		case w.faults.on(RetryStorm),
			w.faults.on(PaymentErrors) && w.luck.float() < 0.6,
			w.luck.fails(0.05):
			http.Error(rw, "upstream connect error", http.StatusServiceUnavailable)
		case w.luck.fails(0.05):
			http.Error(rw, "insufficient funds", http.StatusPaymentRequired)
		default:
			rw.WriteHeader(http.StatusCreated)
		}
	})
	return mux
}

// mailRelay is the shop's mail provider, who makes no spans either.
func mailRelay(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /messages", func(rw http.ResponseWriter, r *http.Request) {
		if w.luck.work(r.Context(), 6*time.Millisecond) != nil {
			return // the caller has given up
		}
		if w.luck.fails(0.03) {
			http.Error(rw, "greylisted, come back later", http.StatusTooManyRequests)
			return
		}
		rw.WriteHeader(http.StatusAccepted)
	})
	return mux
}
