package wal

import (
	"cmp"
	"time"

	"github.com/emend/emend/internal/vfs"
)

const (
	defaultLimit = 256 << 20
	defaultWait  = 10 * time.Second
)

// Options say how a log is opened. The zero value is ready to use.
type Options struct {
	// FS is the operating system; nil: vfs.OS().
	FS vfs.FS
	// ReadOnly never writes, makes nothing and takes no lock; appending is
	// ErrReadOnly, and a torn tail is only reported.
	ReadOnly bool
	// RecordLimit is the longest payload that an append takes, in bytes; 0:
	// 256 MiB; at most 1 GiB.
	RecordLimit int64
	// Sync says when an entry of a FileWAL is durable.
	Sync SyncMode
	// LockWait is how long a FileWAL, and a salvage, waits for other processes;
	// 0: 10 s.
	LockWait time.Duration
	// OnDamage says what Open does with a log that is damaged.
	OnDamage DamagePolicy
	// ZeroAhead is how many zeros, in bytes, are written ahead of the log's end
	// at once, from 64 KiB to 768 KiB; 0: 512 KiB. Syncs are cheap in them.
	ZeroAhead int64
	// NoSync skips every sync: what is written survives the process, not a
	// power cut.
	NoSync bool

	// The bounds of the history that compaction keeps, besides every intent
	// that is not over and the newest that is; 0: 64 MiB, 1,000 intents, 30 days.
	HistoryBytes   int64
	HistoryIntents int
	HistoryAge     time.Duration
	// CompactFrom is the size from which on a log is compacted when it has
	// doubled; 0: 1 MiB; negative: only by Compact.
	CompactFrom int64
}

// DamagePolicy says what Open does where bytes that were durable once are no
// longer what was written.
type DamagePolicy int

// The policies.
const (
	// FailClosed: Open is a *CorruptError, and the file is not touched.
	FailClosed DamagePolicy = iota
	// SalvageDamage: Open reads the whole log, and takes the lock if it is
	// damaged. What is whole on all sides of the damage becomes a new log; the
	// damaged file is kept beside it. Report.Damage says what is lost. Entries
	// behind the damage are numbered anew, and an intent or a host intent whose
	// retirement is lost is unretired again. Not for a log of JSON lines, nor
	// with ReadOnly: these fail closed.
	SalvageDamage
)

func (o Options) salvages() bool { return o.OnDamage == SalvageDamage && !o.ReadOnly }

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	if o.RecordLimit <= 0 {
		o.RecordLimit = defaultLimit
	}
	o.RecordLimit = min(o.RecordLimit, hardLimit)
	o.LockWait = cmp.Or(o.LockWait, defaultWait)
	o.ZeroAhead = min(max(cmp.Or(o.ZeroAhead, 512<<10), minZeros), maxZeros)
	o.HistoryBytes = cmp.Or(o.HistoryBytes, 64<<20)
	o.HistoryIntents = cmp.Or(o.HistoryIntents, 1000)
	o.HistoryAge = cmp.Or(o.HistoryAge, 30*24*time.Hour)
	o.CompactFrom = cmp.Or(o.CompactFrom, 1<<20)
	return o
}
