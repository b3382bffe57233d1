package editor

import (
	"sync/atomic"
	"time"
)

// Progress tells how far a call has come. The zero value is ready; whoever
// wants to know calls Now as often as they like while the call is at work.
type Progress struct {
	phase        atomic.Int32
	since        atomic.Int64 // when the phase began, in nanoseconds
	files, total atomic.Int64
	bytes        atomic.Int64
}

// WithProgress has p follow prepares and commits, one at a time.
func WithProgress(p *Progress) Option { return func(o *options) { o.progress = p } }

// Phase is what a call is doing.
type Phase int32

// The phases: nothing has begun, files are read and checked, images are logged
// and staged, paths are published, and what was displaced is removed.
const (
	PhaseNone Phase = iota
	PhasePrepare
	PhaseStage
	PhasePublish
	PhaseClean
)

func (p Phase) String() string {
	return [...]string{"", "preparing", "staging", "publishing", "cleaning up"}[p]
}

// Moment is how far a call has come.
type Moment struct {
	Phase Phase
	Since time.Time // when the phase began
	Files int64     // done in this phase; of PhasePrepare: operations
	Total int64     // of them; 0: nobody knows
	Bytes int64     // of the files done
}

// Now returns the present moment.
func (p *Progress) Now() Moment {
	return Moment{Phase: Phase(p.phase.Load()), Since: time.Unix(0, p.since.Load()),
		Files: p.files.Load(), Total: p.total.Load(), Bytes: p.bytes.Load()}
}

// begin begins a phase. On nil, as all here, it does nothing.
func (p *Progress) begin(phase Phase, total int) {
	if p == nil {
		return
	}
	p.files.Store(0)
	p.bytes.Store(0)
	p.total.Store(int64(total))
	p.since.Store(time.Now().UnixNano())
	p.phase.Store(int32(phase))
}

// done counts a file with so many bytes.
func (p *Progress) done(bytes int64) {
	if p == nil {
		return
	}
	p.files.Add(1)
	p.bytes.Add(bytes)
}
