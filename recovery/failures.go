package recovery

import (
	"errors"

	"github.com/emend/emend/internal/fail"
)

// failures are what went wrong with several intents, each on its own.
type failures []*fail.Error

// add notes what went wrong with the intent.
func (f *failures) add(intent string, err error) {
	e := fail.From(err, "recover", "")
	e.Message = intent + ": " + e.Message
	*f = append(*f, e)
}

// join is the first failure, which tells of the others as well; nil where there
// are none.
func (f failures) join() error {
	if len(f) == 0 {
		return nil
	}
	all := *f[0]
	for _, e := range f[1:] {
		all.Message += "; " + e.Error()
		all.Err = errors.Join(all.Err, e)
		if e.State == fail.NeedsRecovery {
			all.State = e.State
		}
	}
	return &all
}
