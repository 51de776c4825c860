// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clew-tracing/clew/test/harness"
)

// TestCLI runs the scripts of testdata/cli with clew in the PATH and a server
// that holds one trace, $TRACE: "GET /cart" of the service cart with the failed
// child "SELECT items". CLEW_SERVER names the server, $NOSERVER a closed port,
// $DATA the folder of its store.
func TestCLI(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	id := harness.TraceID(0x5b8efff798038103, 0xd269b633813fc60c)
	at := time.Now().Add(-time.Minute)
	root := harness.NewSpan(id, harness.SpanID(1), nil, "GET /cart", at, "http.route", "/cart", "cart.items", 3)
	root.Kind = 2
	child := harness.NewSpan(id, harness.SpanID(2), harness.SpanID(1), "SELECT items", at.Add(100*time.Microsecond), "db.system.name", "sqlite")
	child.Kind = 3
	child.Status = errorStatus("table is locked")
	s.Export(t, harness.NewRequest("cart", root, child))

	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "cli"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			link := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(link, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(harness.Clew(t), filepath.Join(link, "clew")); err != nil {
				return err
			}
			env.Setenv("PATH", link+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("CLEW_SERVER", "http://"+s.HTTP)
			env.Setenv("NOSERVER", "http://127.0.0.1:1")
			env.Setenv("TRACE", harness.Hex(id))
			env.Setenv("DATA", s.Data)
			return nil
		},
	})
}
