package apply

import "github.com/emend/emend/internal/vfs"

// Where a process may have few files open, each of these takes a share of them.

// maxDirs bounds the directories that a Tree keeps open, well under the usual
// limit of 1,024 descriptors.
func maxDirs() int { return share(256, 4) }

// MaxSlots bounds the slots that are kept open for a barrier.
func MaxSlots() int { return share(64, 4) }

// maxWorkers bounds the calls that wait for the disk at one time; each may have
// a few files open.
func maxWorkers() int { return share(16, 16) }

// share is most or, where that is less, one part of what may be open.
func share(most, part int) int { return max(1, min(most, vfs.MaxOpen()/part)) }
