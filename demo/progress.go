// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Format is the form of the progress.
type Format string

// The formats.
const (
	Text Format = "text" // for people: one line that is kept up to date
	JSON Format = "json" // one object a line
)

// progress tells how the shop is doing.
type progress struct {
	out      io.Writer
	format   Format
	live     bool // the line can be written over
	shop     *shop
	crowd    *crowd
	outlet   *outlet
	rate     float64
	begun    time.Time
	finished chan struct{}
	writing  sync.WaitGroup

	trouble string // last told
}

// Summary is the progress as JSON.
type Summary struct {
	Event      string  `json:"event"` // "start", "progress", "trouble", "recovered", "end"
	Endpoint   string  `json:"endpoint"`
	Protocol   string  `json:"protocol"`
	Control    string  `json:"control,omitempty"` // host:port of the HTTP control; at the start
	Services   int     `json:"services"`
	Faults     []Fault `json:"faults"`
	Seconds    float64 `json:"seconds"` // since the start
	Journeys   int64   `json:"journeys"`
	Failed     int64   `json:"failed"` // journeys that the shop did not answer with a success
	TurnedAway int64   `json:"turnedAway,omitempty"`
	Spans      int64   `json:"spans"`             // made
	Delivered  int64   `json:"delivered"`         // of those, taken by the endpoint
	Lost       int64   `json:"lost,omitempty"`    // given up
	Trouble    string  `json:"trouble,omitempty"` // why the endpoint takes nothing, and what to do
}

func startProgress(cfg Config, control string, s *shop, c *crowd, o *outlet) *progress {
	p := &progress{
		out: cfg.Out, format: cfg.Output, live: isTerminal(cfg.Out), shop: s, crowd: c, outlet: o,
		rate: cfg.Rate, begun: time.Now(), finished: make(chan struct{}),
	}
	if p.format == JSON {
		sum := p.sum("start")
		sum.Control = control
		p.json(sum)
	} else {
		p.printf("clew-demo: %d services, %g journeys a second, spans to %s (OTLP/%s); Ctrl-C ends\n", s.names, cfg.Rate, o.endpoint, o.protocol)
		p.printf("  break something: curl -X PUT http://%s/faults/%s   all faults: curl http://%s/faults\n", control, RetryStorm, control)
	}
	p.writing.Go(p.run)
	return p
}

// run tells of changes at once, and how many of everything there is now and then.
func (p *progress) run() {
	const look, tell = time.Second, 30 * time.Second
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	told := time.Now()
	for {
		select {
		case <-p.finished:
			return
		case <-ticker.C:
		}
		switch trouble := advise(p.outlet.state(), p.outlet.endpoint); {
		case trouble != p.trouble && trouble != "":
			p.trouble = trouble
			p.tell("trouble")
		case trouble != p.trouble:
			p.trouble = ""
			p.tell("recovered")
		case p.live && p.format == Text:
			p.printf("\r\x1b[K  %s", p.line())
		case time.Since(told) >= tell:
			told = time.Now()
			p.tell("progress")
		}
	}
}

// stop tells the end.
func (p *progress) stop() {
	close(p.finished)
	p.writing.Wait()
	p.trouble = advise(p.outlet.state(), p.outlet.endpoint)
	p.tell("end")
}

func (p *progress) tell(event string) {
	if p.format == JSON {
		p.json(p.sum(event))
		return
	}
	clear := ""
	if p.live {
		clear = "\r\x1b[K"
	}
	switch event {
	case "trouble":
		p.printf("%s  %s\n", clear, p.trouble)
	case "recovered":
		p.printf("%s  %s takes spans\n", clear, p.outlet.endpoint)
	case "end":
		p.printf("%s  %s\n", clear, p.line())
		if missing := p.outlet.made.Load() - p.outlet.delivered.Load(); missing > 0 {
			p.printf("  %d spans were not delivered: %s\n", missing, p.trouble)
		}
	default:
		p.printf("%s  %s\n", clear, p.line())
	}
}

// line is the state of things in one line.
func (p *progress) line() string {
	sum := p.sum("")
	line := fmt.Sprintf("%s  %d journeys, %d failed, %d spans, %d delivered",
		time.Since(p.begun).Round(time.Second), sum.Journeys, sum.Failed, sum.Spans, sum.Delivered)
	if sum.TurnedAway > 0 {
		line += fmt.Sprintf(", %d journeys turned away", sum.TurnedAway)
	}
	if sum.Lost > 0 {
		line += fmt.Sprintf(", %d spans lost", sum.Lost)
	}
	if len(sum.Faults) > 0 {
		names := make([]string, len(sum.Faults))
		for i, f := range sum.Faults {
			names[i] = string(f)
		}
		line += "  faults: " + strings.Join(names, ", ")
	}
	return line
}

func (p *progress) sum(event string) Summary {
	return Summary{
		Event:      event,
		Endpoint:   p.outlet.endpoint,
		Protocol:   string(p.outlet.protocol),
		Services:   p.shop.names,
		Faults:     p.shop.faults.active(),
		Seconds:    time.Since(p.begun).Round(time.Millisecond).Seconds(),
		Journeys:   p.crowd.begun.Load(),
		Failed:     p.crowd.failed.Load(),
		TurnedAway: p.crowd.turnedAway.Load(),
		Spans:      p.outlet.made.Load(),
		Delivered:  p.outlet.delivered.Load(),
		Lost:       p.outlet.lost.Load(),
		Trouble:    p.trouble,
	}
}

// Progress that cannot be written is no reason to close the shop.

func (p *progress) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

func (p *progress) json(sum Summary) { _ = json.NewEncoder(p.out).Encode(sum) }

// advise says in words what is wrong with the endpoint and what to do about it; "" when nothing is.
func advise(err error, endpoint string) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "connection refused"):
		return fmt.Sprintf("nobody listens at %s: start `clew serve`, or name another place with --endpoint; still trying", endpoint)
	case status.Code(err) == codes.Unimplemented || strings.Contains(err.Error(), "404"):
		return fmt.Sprintf("%s does not take OTLP traces: is it the right port, and the right --protocol? still trying", endpoint)
	default:
		return fmt.Sprintf("%s does not take spans: %v; still trying", endpoint, err)
	}
}

// isTerminal reports whether a line on w can be written over.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
