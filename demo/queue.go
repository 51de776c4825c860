// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/json"
	"net/http"
	"time"
)

// message is what the queue carries. The headers hold the context of the span that made it.
type message struct {
	ID      string            `json:"id"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Attempt int               `json:"attempt"` // deliveries before this one
}

// Limits of the queue.
const (
	queueDepth  = 10_000                 // messages waiting in one group
	queuePatrol = 200 * time.Millisecond // how long a consumer that finds nothing is kept waiting
)

// queue is the shop's message broker: topics, and groups of consumers that each get every message of a topic once. It
// speaks HTTP and, like most brokers, makes no spans.
//
//	POST /topics/{topic}                  publish
//	GET  /topics/{topic}/groups/{group}   take up to 16 messages, waiting a moment for the first
//	POST /topics/{topic}/groups/{group}   give one back, to be delivered again
type queue struct {
	groups map[string]map[string]chan message // topic -> group
}

// newQueue returns a queue with the groups of each topic.
func newQueue(topics map[string][]string) *queue {
	q := &queue{groups: map[string]map[string]chan message{}}
	for topic, groups := range topics {
		q.groups[topic] = map[string]chan message{}
		for _, group := range groups {
			q.groups[topic][group] = make(chan message, queueDepth)
		}
	}
	return q
}

func (q *queue) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /topics/{topic}", func(w http.ResponseWriter, r *http.Request) {
		var groups []chan message
		for _, group := range q.groups[r.PathValue("topic")] {
			groups = append(groups, group)
		}
		q.put(w, r, groups)
	})
	mux.HandleFunc("POST /topics/{topic}/groups/{group}", func(w http.ResponseWriter, r *http.Request) {
		if group, ok := q.groups[r.PathValue("topic")][r.PathValue("group")]; ok {
			q.put(w, r, []chan message{group})
		}
	})
	mux.HandleFunc("GET /topics/{topic}/groups/{group}", func(w http.ResponseWriter, r *http.Request) {
		group, ok := q.groups[r.PathValue("topic")][r.PathValue("group")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_ = respond(w, http.StatusOK, take(r, group)) // a consumer that has gone away needs no answer
	})
	return mux
}

func (q *queue) put(w http.ResponseWriter, r *http.Request, groups []chan message) {
	var m message
	if err := parse(r, &m); err != nil {
		refuse(w, err)
		return
	}
	for _, group := range groups {
		select {
		case group <- m:
		default:
			http.Error(w, "the queue is full", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// take returns what lies in a group, waiting a moment when nothing does.
func take(r *http.Request, group chan message) []message {
	const most = 16
	messages := []message{}
	timer := time.NewTimer(queuePatrol)
	defer timer.Stop()
	select {
	case m := <-group:
		messages = append(messages, m)
	case <-timer.C:
		return messages
	case <-r.Context().Done():
		return messages
	}
	for len(messages) < most {
		select {
		case m := <-group:
			messages = append(messages, m)
		default:
			return messages
		}
	}
	return messages
}

// empty reports whether nothing waits in any group.
func (q *queue) empty() bool {
	for _, groups := range q.groups {
		for _, group := range groups {
			if len(group) > 0 {
				return false
			}
		}
	}
	return true
}
