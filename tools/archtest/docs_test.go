// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mdLink finds the target of [text](target).
var mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// A link inside the repository leads somewhere.
func TestDocLinks(t *testing.T) {
	root, err := repoRoot()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range repoFiles(t) {
		if f.ext() != "md" {
			continue
		}
		for _, m := range mdLink.FindAllStringSubmatch(f.text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			found++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(filepath.FromSlash(f.path)), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which is not there", f.path, target)
			}
		}
	}
	if found < 5 {
		t.Fatalf("found only %d links: the search is broken", found)
	}
}
