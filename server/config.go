// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// Config is every setting of `clew serve`. Each is a flag, a key of clew.yaml of the same name, and a variable CLEW_ with
// the name in upper case and dashes as underscores; a flag wins over a variable, a variable over the file.
type Config struct {
	// Data is the folder of the store.
	Data string
	// Host is the address that listeners given as a bare port take.
	Host string
	// MemoryLimit bounds the memory of the process.
	MemoryLimit Bytes
	// WALSync is "always" (an acknowledgement means on disk) or "interval".
	WALSync string
	// Retention is how long spans are kept after they arrived; 0 is for ever.
	Retention Age
	// MaxRequest is the largest request accepted, before and after decompression.
	MaxRequest Bytes
	// CORSOrigins are the web pages that may send spans: origins, with * as a wildcard, or just *.
	CORSOrigins []string
	// EphemeralPorts makes every listener take a free port.
	EphemeralPorts bool
	// AddressesFile is where the real addresses are written once all listeners accept.
	AddressesFile string
	// LogLevel and LogFormat are slog's.
	LogLevel, LogFormat string

	// Listeners are the addresses by flag name: "host:port", a bare port, "0" for a free one, or "off".
	Listeners map[string]string
	// Explicit says which listeners were given by the user; a busy port is an error for those only.
	Explicit map[string]bool
}

// listener is a listener's flag with its default port.
type listener struct {
	name  string
	port  int
	usage string
}

// listeners are all listeners, in the order in which they are shown.
func listeners() []listener {
	return []listener{
		{"http", 16686, "UI, native API, query APIs, /metrics, /ready"},
		{"tempo", 3200, "query APIs where Grafana's Tempo data source expects them"},
		{"otlp-grpc", 4317, "OTLP over gRPC"},
		{"otlp-http", 4318, "OTLP over HTTP, protobuf and JSON"},
	}
}

// DefaultConfig returns the settings of a server that was told nothing.
func DefaultConfig() *Config {
	c := &Config{
		Data:        "./clew-data",
		Host:        "127.0.0.1",
		MemoryLimit: Bytes(machineMemory() / 4),
		WALSync:     "always",
		Retention:   Age(14 * 24 * time.Hour),
		MaxRequest:  64 << 20,
		CORSOrigins: []string{"*"},
		LogLevel:    "info",
		LogFormat:   "text",
		Listeners:   map[string]string{},
		Explicit:    map[string]bool{},
	}
	for _, l := range listeners() {
		c.Listeners[l.name] = strconv.Itoa(l.port)
	}
	return c
}

// address is a listener's setting.
type address struct {
	c    *Config
	name string
}

// Set checks s; it implements pflag.Value.
func (a address) Set(s string) error {
	if _, err := a.c.hostPort(s); err != nil {
		return err
	}
	a.c.Listeners[a.name], a.c.Explicit[a.name] = s, true
	return nil
}

// String returns the address.
func (a address) String() string {
	if a.c == nil {
		return ""
	}
	return a.c.Listeners[a.name]
}

// Type is the word that help shows for the value.
func (address) Type() string { return "host:port" }

// hostPort returns the full address of a listener's setting; "" for off.
func (c *Config) hostPort(s string) (string, error) {
	if s == "off" {
		return "", nil
	}
	host, port := c.Host, s
	var err error
	if strings.Contains(s, ":") {
		host, port, err = net.SplitHostPort(s)
	}
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is no address: want host:port, a port, 0 for a free port, or off", s)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port), nil
}

// Bind declares every setting as a flag of fs.
func (c *Config) Bind(fs *pflag.FlagSet) {
	fs.StringVar(&c.Data, "data", c.Data, "folder of the store")
	fs.StringVar(&c.Host, "host", c.Host, "address of listeners that are given as a bare port")
	fs.Var(&c.MemoryLimit, "memory-limit", "memory of the process; what does not fit is refused, to be sent again (default: a quarter of the machine)")
	fs.Var(choice{&c.WALSync, []string{"always", "interval"}}, "wal-sync", "when spans are on disk: always before they are acknowledged, or at an interval of 200ms")
	fs.Var(&c.Retention, "retention", "how long spans are kept; 0 is for ever")
	fs.Var(&c.MaxRequest, "max-request", "largest request accepted, before and after decompression")
	fs.Var(list{&c.CORSOrigins}, "cors-origins", "web pages that may send spans: origins, * as a wildcard")
	fs.BoolVar(&c.EphemeralPorts, "ephemeral-ports", c.EphemeralPorts, "let every listener take a free port")
	fs.StringVar(&c.AddressesFile, "addresses-file", c.AddressesFile, "write the real addresses there as JSON once all listeners accept")
	fs.Var(choice{&c.LogLevel, []string{"debug", "info", "warn", "error"}}, "log-level", "least severity that is logged")
	fs.Var(choice{&c.LogFormat, []string{"text", "json"}}, "log-format", "form of the log")
	for _, l := range listeners() {
		fs.Var(address{c, l.name}, l.name, l.usage)
	}
}

// Load fills in what no flag has set: from variables CLEW_*, then from the file. An empty file name means clew.yaml, which
// need not be there.
func (c *Config) Load(fs *pflag.FlagSet, file string, environ []string) error {
	given := map[string]bool{}
	fs.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	env := map[string]string{}
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "CLEW_") {
			env[k] = v
		}
	}
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		name := "CLEW_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := env[name]
		if !ok || given[f.Name] {
			return
		}
		given[f.Name] = true
		if err := f.Value.Set(v); err != nil {
			errs = append(errs, fmt.Errorf("variable %s: %w", name, err))
		}
	})
	if err := c.loadFile(fs, file, given); err != nil {
		errs = append(errs, err)
	}
	if c.EphemeralPorts {
		for name := range c.Listeners {
			if !c.Explicit[name] {
				c.Listeners[name] = "0"
			}
		}
	}
	return errors.Join(errs...)
}

// loadFile sets from a YAML file what is not given yet. Unknown keys are errors.
func (c *Config) loadFile(flags *pflag.FlagSet, file string, given map[string]bool) error {
	optional := file == ""
	if optional {
		file = "clew.yaml"
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && optional {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	var settings map[string]any
	if err := yaml.Unmarshal([]byte(os.Expand(string(raw), expandVariable)), &settings); err != nil {
		return fmt.Errorf("configuration %s: %w", file, err)
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	var errs []error
	for _, name := range names {
		f := flags.Lookup(name)
		if f == nil || name == "config" || name == "help" {
			errs = append(errs, fmt.Errorf("configuration %s: no setting is called %q (clew serve --help lists them)", file, name))
			continue
		}
		if given[name] {
			continue
		}
		if err := f.Value.Set(scalar(settings[name])); err != nil {
			errs = append(errs, fmt.Errorf("configuration %s: %s: %w", file, name, err))
		}
	}
	return errors.Join(errs...)
}

// expandVariable replaces ${NAME}; what is not set stays visible as an error in the setting.
func expandVariable(name string) string {
	if v, ok := os.LookupEnv(name); ok {
		return v
	}
	return "${" + name + "}"
}

// scalar turns a YAML value into a flag's text.
func scalar(v any) string {
	if l, ok := v.([]any); ok {
		parts := make([]string, len(l))
		for i := range l {
			parts[i] = fmt.Sprint(l[i])
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

// machineMemory returns the bytes of memory that the process may have: the container's limit or the machine's.
func machineMemory() int64 {
	total := int64(4 << 30) // where nothing can be read
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer func() { _ = f.Close() }()
		for s := bufio.NewScanner(f); s.Scan(); {
			if fields := strings.Fields(s.Text()); len(fields) >= 2 && fields[0] == "MemTotal:" {
				if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
					total = kib << 10
				}
				break
			}
		}
	}
	if raw, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil {
			total = min(total, limit)
		}
	}
	return total
}
