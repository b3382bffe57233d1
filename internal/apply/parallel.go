package apply

import (
	"sync"
	"sync/atomic"
)

// Parallel runs do(0) to do(n-1) on a few goroutines and returns the first
// error; after one no new call starts. Single calls run on this goroutine.
func Parallel(n int, do func(i int) error) error {
	if n == 1 {
		return do(0)
	}
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		once  sync.Once
		first error
	)
	for range min(maxWorkers(), n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}
