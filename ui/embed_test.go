// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"embed"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

//go:embed index.html
var indexSource embed.FS

func built() fs.FS {
	return fstest.MapFS{
		".placeholder":         {Data: []byte("tracked")},
		"index.html":           {Data: []byte("<head>" + baseMark + nonceMark + "</head>pages")},
		"favicon.svg":          {Data: []byte("<svg/>")},
		"assets/app-abc.js":    {Data: []byte("raw script")},
		"assets/app-abc.js.br": {Data: []byte("brotli script")},
		"assets/app-abc.js.gz": {Data: []byte("gzip script")},
		"assets/small-d.css":   {Data: []byte("raw style")},
	}
}

func get(t *testing.T, h http.Handler, method, target string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for key, value := range headers {
		r.Header.Set(key, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestHandlerFiles(t *testing.T) {
	h := newHandler(built())
	browser := "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		name, method, target, accept, encoding string
		status                                 int
		body, contentEncoding, cache, mime     string
	}{
		{"brotli is preferred", "GET", "/assets/app-abc.js", "*/*", "gzip, deflate, br", 200, "brotli script", "br", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"gzip when no brotli", "GET", "/assets/app-abc.js", "*/*", "gzip", 200, "gzip script", "gzip", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"q=0 refuses", "GET", "/assets/app-abc.js", "*/*", "br;q=0, gzip; q=0.5", 200, "gzip script", "gzip", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"raw when nothing is accepted", "GET", "/assets/app-abc.js", "*/*", "", 200, "raw script", "", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"raw when there is no twin", "GET", "/assets/small-d.css", "*/*", "br", 200, "raw style", "", "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		{"unhashed files are checked again", "GET", "/favicon.svg", "*/*", "", 200, "<svg/>", "", "no-cache", "image/svg+xml"},
		{"HEAD has no body", "HEAD", "/assets/small-d.css", "*/*", "", 200, "", "", "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		{"a missing asset is no page", "GET", "/assets/gone.js", browser, "", 404, "nothing is served at \"/assets/gone.js\"\n", "", "", "text/plain; charset=utf-8"},
		{"an unknown API path is no page", "GET", "/api/nope", browser, "", 404, "nothing is served at \"/api/nope\"\n", "", "", "text/plain; charset=utf-8"},
		{"an unknown path is no page to a program", "GET", "/nope", "*/*", "", 404, "nothing is served at \"/nope\"\n", "", "", "text/plain; charset=utf-8"},
		{"twins are not addressable", "GET", "/assets/app-abc.js.gz", "*/*", "", 404, "nothing is served at \"/assets/app-abc.js.gz\"\n", "", "", "text/plain; charset=utf-8"},
		{"nor is the placeholder", "GET", "/.placeholder", "*/*", "", 404, "nothing is served at \"/.placeholder\"\n", "", "", "text/plain; charset=utf-8"},
		{"nor a folder", "GET", "/assets", "*/*", "", 404, "nothing is served at \"/assets\"\n", "", "", "text/plain; charset=utf-8"},
		{"POST is refused", "POST", "/", "*/*", "", 405, "POST is not possible here: this is a page, ask for it with GET\n", "", "", "text/plain; charset=utf-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := get(t, h, c.method, c.target, map[string]string{"Accept": c.accept, "Accept-Encoding": c.encoding})
			if res.StatusCode != c.status || body != c.body {
				t.Fatalf("got %d %q, want %d %q", res.StatusCode, body, c.status, c.body)
			}
			for key, want := range map[string]string{"Content-Encoding": c.contentEncoding, "Cache-Control": c.cache, "Content-Type": c.mime} {
				if got := res.Header.Get(key); got != want {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestHandlerIndex(t *testing.T) {
	h := newHandler(built())
	for _, c := range []struct{ target, accept, base string }{
		{"/", "*/*", "./"},
		{"/search?q=%7B%7D", "text/html", "./"},
		{"/trace/0af7651916cd43dd8448eb211c80319c", "text/html", "../"},
		{"/trace/0af7/", "text/html", "../../"},
	} {
		t.Run(c.target, func(t *testing.T) {
			res, body := get(t, h, "GET", c.target, map[string]string{"Accept": c.accept})
			if res.StatusCode != 200 || !strings.HasSuffix(body, "pages") {
				t.Fatalf("got %d %q", res.StatusCode, body)
			}
			if want := `<base href="` + c.base + `" />`; !strings.Contains(body, want) {
				t.Errorf("%q lacks %s", body, want)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-cache" {
				t.Errorf("Cache-Control: got %q", got)
			}
			policy := res.Header.Get("Content-Security-Policy")
			nonce := regexp.MustCompile(`style-src 'self' 'nonce-([A-Za-z0-9+/]{22})'`).FindStringSubmatch(policy)
			if nonce == nil || !strings.Contains(body, `content="`+nonce[1]+`"`) {
				t.Errorf("policy %q and page %q do not share a nonce", policy, body)
			}
			if strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q allows something unsafe", policy)
			}
		})
	}
	first, _ := get(t, h, "GET", "/", nil)
	second, _ := get(t, h, "GET", "/", nil)
	if first.Header.Get("Content-Security-Policy") == second.Header.Get("Content-Security-Policy") {
		t.Error("two responses have the same nonce")
	}
}

func TestHandlerNotBuilt(t *testing.T) {
	h := newHandler(fstest.MapFS{".placeholder": {}})
	res, body := get(t, h, "GET", "/", nil)
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
	if res, _ := get(t, h, "GET", "/assets/app.js", map[string]string{"Accept": "*/*"}); res.StatusCode != 404 {
		t.Errorf("an asset: got %d, want 404", res.StatusCode)
	}
}

// The build and this handler agree on what is to be filled in.
func TestSourceIndexHasMarks(t *testing.T) {
	source, err := fs.ReadFile(indexSource, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{baseMark, nonceMark} {
		if strings.Count(string(source), mark) != 1 {
			t.Errorf("index.html must hold %s once", mark)
		}
	}
	if Built() {
		index, err := fs.ReadFile(dist, "dist/index.html")
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{baseMark, nonceMark} {
			if strings.Count(string(index), mark) != 1 {
				t.Errorf("dist/index.html must hold %s once", mark)
			}
		}
	}
}
