package recovery

import (
	"context"
	"errors"
	"slices"

	"github.com/emend/emend/internal/apply"
	"github.com/emend/emend/wal"
)

// preview adds what Run would do to the report.
func (r *Report) preview(ctx context.Context, root string, o Options) error {
	s, err := OpenSurvey(root, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Log == nil {
		return nil
	}
	slices.Reverse(s.Pending)
	var errs failures
	for _, tx := range s.Pending {
		if err := r.previewIntent(s.Workspace, tx, o.Policy); err != nil {
			errs.add("intent "+tx.ID.String(), err)
		}
	}
	if err := errs.join(); err != nil {
		return err
	}
	if o.Host {
		if err := r.recoverHosts(ctx, s.Workspace, o); err != nil {
			return err
		}
	}
	r.repaired(s.Workspace)
	if s.Lock.Held {
		return nil
	}
	left, err := slotsOfNobody(s.Workspace)
	r.discarded(left)
	return err
}

func (r *Report) previewIntent(w *apply.Workspace, tx *wal.Transaction, policy Policy) error {
	job, err := load(w, tx)
	if err != nil {
		return err
	}
	v, err := inspect(job, tx)
	if err == nil {
		r.Intents = append(r.Intents, v.report(Decide(v.verdicts, tx.Decision, policy)))
	}
	return errors.Join(err, job.Close())
}
