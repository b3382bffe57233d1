package hashing

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// What git hash-object says, in a repository of either kind.
func TestGitBlob(t *testing.T) {
	for content, ids := range map[string][2]string{
		"": {"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
			"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"},
		"what is up, doc?": {"bd9dbf5aae1a3862dd1526723246b20206e5fc37",
			"7561bda2ad0a17be8fee9d1815a0896b80ebafddaf26cf30c228e9b320513033"},
	} {
		require.Equal(t, ids[0], hex.EncodeToString(GitBlob([]byte(content), 20)))
		require.Equal(t, ids[1], hex.EncodeToString(GitBlob([]byte(content), 32)))
	}
}
