// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"fmt"
	"path"
	"strings"
	"time"
)

const (
	lockName     = "LOCK"
	manifestName = "MANIFEST"
	walDir       = "wal"
	blockDir     = "blocks"
	blockSuffix  = ".blk"
	tmpSuffix    = ".tmp"
)

// escapeTenant makes a tenant's name a directory name: letters, digits, '-' and '_' stand for themselves, any other
// byte is %xx. Different tenants get different names also where the filesystem ignores case, and none is "." or "..".
func escapeTenant(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// blockDirOf returns the directory of a partition's blocks, relative to the store's.
func blockDirOf(tenant string, partition int64) string {
	day := time.Unix(0, partition*partitionWidth).UTC().Format("20060102")
	return path.Join(blockDir, escapeTenant(tenant), day)
}
