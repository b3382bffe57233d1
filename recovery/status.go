package recovery

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// StatusReport says what is left to do in a workspace, and how its log is.
type StatusReport struct {
	Pending []Unfinished `json:"pending"` // for Run to finish or to undo
	Parked  []Unfinished `json:"parked"`  // for a person to decide
	Host    int          `json:"host"`    // intents of a host program that it has not retired
	Log     LogStatus    `json:"log"`
	Lock    LockStatus   `json:"lock"`
}

// Unfinished is a transaction that has neither happened nor not happened.
type Unfinished struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Files Paths  `json:"files"`
}

// LogStatus says how the log is.
type LogStatus struct {
	Bytes  int64  `json:"bytes"`
	Health string `json:"health"` // HealthOK, HealthTorn or HealthDamaged
}

// The health of a log. A torn one is repaired by the next transaction.
const (
	HealthOK      = "ok"
	HealthTorn    = "torn"
	HealthDamaged = "damaged"
)

// LockStatus says whether a process has a transaction in flight.
type LockStatus struct {
	Held bool `json:"held"`
	PID  int  `json:"pid"` // of the holder, a hint; 0: not known
	// Since is when it was taken; zero where nobody holds it.
	Since time.Time `json:"-"`
}

// Status looks at the workspace at root without the lock, and writes nothing.
// A damaged log is no error: its health says so, and the lists are empty. A
// root without .emend has nothing to do.
func Status(ctx context.Context, root string, o Options) (*StatusReport, error) {
	s := &StatusReport{Pending: []Unfinished{}, Parked: []Unfinished{}, Log: LogStatus{Health: HealthOK}}
	check, err := VerifyLog(root, o)
	if err != nil {
		return nil, err
	}
	s.Log = LogStatus{Bytes: check.Bytes, Health: check.Health()}
	if s.Log.Health == HealthDamaged {
		return s, nil
	}
	view, err := OpenSurvey(root, o)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if view.Log == nil {
		return s, nil
	}
	s.Lock = view.Lock
	hosts, err := view.Log.HostIntents()
	if err != nil {
		return nil, err
	}
	s.Host = len(hosts)
	if s.Pending, err = unfinished(view.Pending); err != nil {
		return nil, err
	}
	s.Parked, err = unfinished(view.Log.Parked())
	return s, err
}

// Pending lists the intents that a crash left in the workspace at root; see
// OpenSurvey. Nothing is written.
func Pending(ctx context.Context, root string, o Options) ([]Unfinished, error) {
	view, err := OpenSurvey(root, o)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	return unfinished(view.Pending)
}

func unfinished(list []*wal.Transaction) ([]Unfinished, error) {
	out := make([]Unfinished, len(list))
	for i, tx := range list {
		files, err := FilesOf(tx)
		if err != nil {
			return nil, err
		}
		out[i] = Unfinished{ID: tx.ID.String(), Label: tx.Label, Files: files}
	}
	return out, nil
}

// FilesOf returns the paths of tx that its plan names, in the plan's order.
func FilesOf(tx *wal.Transaction) (Paths, error) {
	type named struct {
		path  string
		order int
	}
	var list []named
	err := tx.EachStep(func(st *wal.Step) error {
		if st.Op != wal.StepNone {
			list = append(list, named{st.Path, st.Order})
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.path, b.path))
	})
	paths := make(Paths, len(list))
	for i, n := range list {
		paths[i] = n.path
	}
	return paths, err
}

// Paths are paths of a workspace. In JSON each is a string, or, where it is not
// UTF-8, an object with path_base64.
type Paths []string

// MarshalJSON writes a list, an empty one for nil.
func (p Paths) MarshalJSON() ([]byte, error) {
	list := make([]any, len(p))
	for i, path := range p {
		list[i] = path
		if !utf8.ValidString(path) {
			list[i] = map[string][]byte{"path_base64": []byte(path)}
		}
	}
	return json.Marshal(list)
}

// VerifyLog checks every byte of the log of the workspace at root, also of a
// log that cannot be opened. Nothing is written; without a log there is nothing
// wrong with it.
func VerifyLog(root string, o Options) (wal.VerifyReport, error) {
	w, err := openReadOnly(root, o)
	if fail.KindOf(err) == fail.LogCorrupt { // that it is damaged can only be told of a trusted log
		err = nil
	} else if err == nil {
		err = w.Close()
	}
	if err != nil {
		return wal.VerifyReport{}, err
	}
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	return wal.Verify(o.FS, filepath.Join(root, apply.EmendDir))
}

func openReadOnly(root string, o Options) (*apply.Workspace, error) {
	return apply.OpenWorkspace(context.Background(), root, apply.WorkspaceOptions{FS: o.FS, ReadOnly: true})
}
