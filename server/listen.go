// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
)

// listen opens all listeners that are not off. A default port that is busy costs that listener and a warning; one that
// was given explicitly is an error.
func (c *Config) listen(ctx context.Context, log *slog.Logger) (map[string]net.Listener, error) {
	open := map[string]net.Listener{}
	closeAll := func() {
		for _, l := range open {
			_ = l.Close() // nothing was accepted yet
		}
	}
	for _, l := range listeners() {
		addr, err := c.hostPort(c.Listeners[l.name])
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("--%s: %w", l.name, err)
		}
		if addr == "" {
			continue
		}
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			if c.Explicit[l.name] {
				closeAll()
				return nil, fmt.Errorf("--%s: %w (choose another port, 0 for a free one, or off)", l.name, err)
			}
			log.Warn("default port is not free, going on without it", "listener", l.name, "error", err, "hint", "--"+l.name+" gives another port or off")
			continue
		}
		open[l.name] = ln
	}
	if len(open) == 0 {
		return nil, fmt.Errorf("no listener: every one is off or busy")
	}
	return open, nil
}

// addresses returns where the listeners are, by flag name.
func addresses(open map[string]net.Listener) map[string]string {
	at := map[string]string{}
	for name, l := range open {
		at[name] = l.Addr().String()
	}
	return at
}

// writeAddresses writes the addresses as JSON, atomically, so that a reader never sees half of them.
func writeAddresses(file string, at map[string]string) error {
	raw, err := json.MarshalIndent(at, "", "  ")
	if err != nil {
		return fmt.Errorf("addresses: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".clew-addresses-*")
	if err != nil {
		return fmt.Errorf("addresses file: %w", err)
	}
	_, err = tmp.Write(append(raw, '\n'))
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error is the one to tell
		return fmt.Errorf("addresses file %s: %w", file, err)
	}
	return nil
}
