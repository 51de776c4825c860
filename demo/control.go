// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// control switches faults while the shop is open.
//
//	GET    /faults          all faults and whether they are on
//	PUT    /faults/{name}   switch one on
//	DELETE /faults/{name}   switch it off
type control struct{ *plain }

// faultState is one fault as GET /faults shows it.
type faultState struct {
	FaultInfo
	On bool `json:"on"`
}

func openControl(address string, faults *switchboard) (*control, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		var states []faultState
		for _, info := range Faults() {
			states = append(states, faultState{FaultInfo: info, On: faults.on(info.Name)})
		}
		_ = respond(w, http.StatusOK, states) // who asked and went away needs no answer
	})
	turn := func(on bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			named, err := ParseFaults([]string{r.PathValue("name")})
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			faults.turn(named[0], on)
			_ = respond(w, http.StatusOK, faults.active())
		}
	}
	mux.HandleFunc("PUT /faults/{name}", turn(true))
	mux.HandleFunc("DELETE /faults/{name}", turn(false))
	p, err := openPlain(address, mux)
	if err != nil {
		return nil, fmt.Errorf("open the control of faults at %s: %w", address, err)
	}
	return &control{p}, nil
}

// address is where faults are switched: host:port.
func (c *control) address() string { return c.listener.Addr().String() }

func (c *control) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.stop(ctx)
}
