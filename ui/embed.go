// SPDX-License-Identifier: Apache-2.0

// Package ui carries Clew's web pages inside the binary and serves them.
//
// The TypeScript sources stand in ui/src; `make build` turns them into ui/dist,
// which is embedded here. A tracked placeholder keeps `go build ./...` working
// before that; the handler then answers with a page that says what to run.
//
// # What is served
//
//   - /assets/*: named by content hash, so cached for a year. The build made
//     .br and .gz twins; the handler only picks one and never compresses.
//   - index.html for "/" and, to browsers, for every path that is no file:
//     the page's own router takes it from there. Never cached.
//
// # Any base path
//
// index.html carries <base href> relative to the path asked for ("../" for
// /trace/ID), which the browser resolves against the address that it sees. So
// the pages work at / and below any prefix that a reverse proxy strips, with
// nothing to configure.
//
// # Content security policy
//
// Scripts, styles, connections and workers from this origin only; no inline
// script or style except <style> elements with the nonce of the response (the
// query editor makes one). A string of a span that reached the page as HTML
// could therefore still not run.
package ui

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// What the build leaves in index.html for the handler to fill in.
const (
	baseMark  = `<base href="/" />`
	nonceMark = `<meta name="clew-csp-nonce" content="" />`
)

// contentTypes is our own so that the answer does not depend on the machine's MIME tables.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// Built reports whether the pages were built into this binary.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// Handler serves the pages at the root of the path it is mounted on (mount it
// elsewhere with http.StripPrefix). It answers GET and HEAD and is safe for
// concurrent use.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		// Only for a malformed path, and this one is a constant.
		panic(err)
	}
	return newHandler(files)
}

type handler struct {
	files fs.FS
	index []byte // nil when the pages were not built
}

func newHandler(files fs.FS) *handler {
	h := &handler{files: files}
	if index, err := fs.ReadFile(files, "index.html"); err == nil {
		h.index = index
	}
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, r.Method+" is not possible here: this is a page, ask for it with GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	switch {
	case h.index == nil:
		if name == "" || wantsHTML(r) {
			h.serveNotBuilt(w)
			return
		}
	case name == "" || name == "index.html":
		h.serveIndex(w, r)
		return
	case h.serveFile(w, r, name):
		return
	case wantsHTML(r) && !strings.HasPrefix(name, "assets/") && !strings.HasPrefix(name, "api/"):
		h.serveIndex(w, r)
		return
	}
	http.Error(w, "nothing is served at "+strconv.Quote(r.URL.Path), http.StatusNotFound)
}

// wantsHTML tells a browser's navigation from a program that asks for data.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// serveIndex writes index.html with a base address relative to the asked path and a fresh nonce.
func (h *handler) serveIndex(w http.ResponseWriter, r *http.Request) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program rather than return an error
	nonce := base64.RawStdEncoding.EncodeToString(random[:])
	page := bytes.Replace(h.index, []byte(baseMark), []byte(`<base href="`+relativeBase(r.URL.Path)+`" />`), 1)
	page = bytes.Replace(page, []byte(nonceMark), []byte(`<meta name="clew-csp-nonce" content="`+nonce+`" />`), 1)

	head := w.Header()
	setSafetyHeaders(head, nonce)
	head.Set("Content-Type", contentTypes[".html"])
	head.Set("Cache-Control", "no-cache")
	head.Set("Content-Length", strconv.Itoa(len(page)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(page) // a client that went away is no error of ours
	}
}

// relativeBase is the way from an URL path back to the root: "./" for /search, "../" for /trace/ID.
func relativeBase(urlPath string) string {
	depth := strings.Count(strings.TrimPrefix(urlPath, "/"), "/")
	if depth == 0 {
		return "./"
	}
	return strings.Repeat("../", depth)
}

// serveFile writes a file of the build, precompressed when the client takes that; false when there is none.
func (h *handler) serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	contentType, known := contentTypes[path.Ext(name)]
	if !known {
		return false // .br and .gz twins and the placeholder are no files of their own
	}
	raw, err := h.files.Open(name)
	if err != nil {
		return false
	}
	defer raw.Close()
	if info, err := raw.Stat(); err != nil || info.IsDir() {
		return false
	}

	head := w.Header()
	setSafetyHeaders(head, "")
	head.Set("Content-Type", contentType)
	if strings.HasPrefix(name, "assets/") {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		head.Set("Cache-Control", "no-cache")
	}
	chosen := raw
	head.Add("Vary", "Accept-Encoding")
	for _, twin := range [...]struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !acceptsEncoding(r.Header.Get("Accept-Encoding"), twin.encoding) {
			continue
		}
		if file, err := h.files.Open(name + twin.suffix); err == nil {
			defer file.Close()
			head.Set("Content-Encoding", twin.encoding)
			chosen = file
			break
		}
	}
	content, ok := chosen.(io.ReadSeeker)
	if !ok {
		http.Error(w, "read "+name+": "+errors.ErrUnsupported.Error(), http.StatusInternalServerError)
		return true
	}
	http.ServeContent(w, r, "", time.Time{}, content)
	return true
}

// acceptsEncoding reads an Accept-Encoding header (RFC 9110 section 12.5.3) for one named coding.
func acceptsEncoding(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		quality, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		if !found {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(quality), 64)
		return err == nil && q > 0
	}
	return false
}

func setSafetyHeaders(head http.Header, nonce string) {
	style := "'self'"
	if nonce != "" {
		style += " 'nonce-" + nonce + "'"
	}
	head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src "+style+
		"; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'"+
		"; base-uri 'self'; form-action 'self'; frame-ancestors 'self'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
}

const notBuiltPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Clew: pages not built</title></head>
<body>
<h1>The pages are not in this binary</h1>
<p>It was built with <code>go build</code> alone. Run <code>make build</code> in the source folder, which builds the pages first, and start <code>bin/clew</code>.</p>
<p>Everything else works: ingestion, the query APIs, <code>clew query</code> and <code>clew trace</code>.</p>
</body>
</html>
`

// serveNotBuilt answers 503, so that a health check of the pages notices.
func (h *handler) serveNotBuilt(w http.ResponseWriter) {
	head := w.Header()
	setSafetyHeaders(head, "")
	head.Set("Content-Type", contentTypes[".html"])
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, notBuiltPage)
}
