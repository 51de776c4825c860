// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// stall connects, announces a message of announced bytes, sends sent of them, as fast as flow control lets it, and then
// nothing more. It returns when the connection is closed or the call refused.
func stall(t *testing.T, addr string, announced, sent int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	f := http2.NewFramer(conn, conn)
	var headers bytes.Buffer
	enc := hpack.NewEncoder(&headers)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", exportMethod}, {":authority", addr}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		if err := enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
			t.Error(err)
			return
		}
	}
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return
	}
	if f.WriteSettings() != nil || f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers.Bytes(), EndHeaders: true}) != nil {
		return
	}
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(announced))
	body = append(body, make([]byte, sent)...)
	window := [2]int{65535, 65535} // of the connection and of the stream
	for {
		for len(body) > 0 && min(window[0], window[1]) > 0 {
			n := min(len(body), window[0], window[1], 16<<10)
			if f.WriteData(1, false, body[:n]) != nil {
				return
			}
			body = body[n:]
			window[0] -= n
			window[1] -= n
		}
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame:
			return
		case *http2.HeadersFrame:
			if frame.StreamEnded() { // refused
				return
			}
		case *http2.WindowUpdateFrame:
			window[min(1, frame.StreamID)] += int(frame.Increment)
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				if v, ok := frame.Value(http2.SettingInitialWindowSize); ok {
					window[1] += int(v) - 65535
				}
				if f.WriteSettingsAck() != nil {
					return
				}
			}
		case *http2.PingFrame:
			if !frame.IsAck() && f.WritePing(true, frame.Data) != nil {
				return
			}
		}
	}
}

// TestGRPCStalledMessages has forty clients send halves of large messages: what they take stays within the budget, they
// are thrown out in time, and others are served again.
func TestGRPCStalledMessages(t *testing.T) {
	cfg := testConfig(&recorder{})
	cfg.MaxRequest = 8 << 20
	cfg.ReadTimeout = 300 * time.Millisecond
	cfg.Admission = NewAdmission(16<<20, 20*time.Millisecond)
	addr, conn := startGRPC(t, cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { stall(t, addr, 8<<20, 4<<20) })
		}
		wg.Wait()
	}()
	most := int64(0)
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		case <-time.After(time.Millisecond):
		}
		most = max(most, cfg.Admission.InFlight())
	}
	// The budget, and what one connection may have beyond it.
	if limit := int64(16<<20 + 8<<20 + 512<<10); most > limit {
		t.Errorf("%d bytes were taken at the same time, want at most %d", most, limit)
	}
	if most < 4<<20 {
		t.Errorf("only %d bytes were taken: the test does not test what it should", most)
	}
	if _, err := export(conn, requestOf(t, 10, 0)); err != nil {
		t.Errorf("after the stalled ones: %v", err)
	}
	waitFor(t, func() bool { return cfg.Admission.InFlight() == 0 })
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("did not come to pass")
}

// TestGRPCManyLargeMessages has many clients send large whole messages through a budget that holds two of them: nothing is
// lost, since whoever is refused tries again as the protocol says.
func TestGRPCManyLargeMessages(t *testing.T) {
	sink := &recorder{}
	cfg := testConfig(sink)
	cfg.MaxRequest = 8 << 20
	cfg.Admission = NewAdmission(16<<20, 20*time.Millisecond)
	addr, _ := startGRPC(t, cfg)
	request := requestOf(t, 40_000, 0)
	if len(request) < 2<<20 {
		t.Fatalf("a request of %d bytes is not large", len(request))
	}
	const clients = 12
	var wg sync.WaitGroup
	var most int64
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				most = max(most, cfg.Admission.InFlight())
			}
		}
	}()
	for range clients {
		wg.Go(func() {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for range 1000 {
				if _, err = export(conn, request); status.Code(err) != codes.Unavailable {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-watched
	if n := sink.spans(); n < clients*40_000 { // a lost answer may have made one send twice
		t.Errorf("%d spans kept of %d sent", n, clients*40_000)
	}
	// One connection and one request may be beyond the budget.
	if limit := int64(16<<20 + 8<<20 + batchFactor*8<<20); most > limit {
		t.Errorf("%d bytes were taken at the same time, want at most %d", most, limit)
	}
	waitFor(t, func() bool { return cfg.Admission.InFlight() == 0 })
}
