package e2e

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// guests are the file systems under test, on disks as small as they go.
var guests = []struct{ name, size string }{{"ext4", "128M"}, {"xfs", "320M"}, {"btrfs", "256M"}}

// newShelf returns a directory on a file system that can clone files at once
// (xfs), in an image of its own. The disks under test are files in it: a clone
// of one holds what had reached the disk at that moment and not what was still
// in memory, which is all that a power cut leaves.
func newShelf(t *testing.T) string {
	t.Helper()
	dir, image := filepath.Join(t.TempDir(), "shelf"), filepath.Join(t.TempDir(), "image")
	sh(t, "truncate", "-s", "4G", image)
	sh(t, "mkfs.xfs", "-q", "-m", "reflink=1", image)
	mount(t, image, dir)
	return dir
}

// sh runs a program that must succeed.
func sh(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%q: %s", args, out)
}

// mount mounts an image until the test ends or unmount is called.
func mount(t *testing.T, image, at string) (unmount func()) {
	t.Helper()
	require.NoError(t, os.MkdirAll(at, 0o777))
	sh(t, "mount", "-o", "loop", image, at)
	var done atomic.Bool
	unmount = func() {
		if !done.Swap(true) {
			sh(t, "umount", at)
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// newDisk makes the file image a disk on which p's tree stands, durably.
func newDisk(t *testing.T, image, size, mkfs string, p *planned) {
	t.Helper()
	sh(t, "truncate", "-s", size, image)
	sh(t, mkfs, "-q", image)
	at := filepath.Join(t.TempDir(), "template")
	unmount := mount(t, image, at)
	p.before.write(t, filepath.Join(at, "root"))
	unmount()
}

func clone(t *testing.T, from, to string) {
	t.Helper()
	sh(t, "cp", "--reflink=always", "--remove-destination", from, to)
}

// cut runs the command on a copy of image, cuts the power after a while and
// returns the disk as it is then. acknowledged: emend had exited 0 before.
func cut(t *testing.T, image string, after time.Duration, args ...string) (disk string, acknowledged bool) {
	t.Helper()
	live, disk := image+".live", image+".cut"
	clone(t, image, live)
	at := filepath.Join(t.TempDir(), "live")
	unmount := mount(t, live, at)
	defer unmount()

	cmd := exec.Command(binary, append(args, "--root", filepath.Join(at, "root"))...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		require.NoError(t, err, stderr.String())
		acknowledged = true
		clone(t, live, disk)
	case <-time.After(after):
		clone(t, live, disk)
		_ = cmd.Process.Kill()
		<-ended
	}
	return disk, acknowledged
}

// TestPowerCut cuts the power of a real disk at random moments of a commit,
// lets the file system recover by its journal, and then emend. It needs root,
// and is part of the long run only.
func TestPowerCut(t *testing.T) {
	if os.Getenv("EMEND_LONG") == "" || os.Geteuid() != 0 {
		t.Skip("needs EMEND_LONG=1, and root to mount disks")
	}
	requireProgram(t, "mkfs.xfs")
	shelf := newShelf(t)
	rnd := newRand(t)
	p := fiftyFiles(t, rnd)
	plan := p.save(t)
	for _, guest := range guests {
		t.Run(guest.name, func(t *testing.T) {
			mkfs, template := "mkfs."+guest.name, filepath.Join(shelf, guest.name)
			requireProgram(t, mkfs)
			newDisk(t, template, guest.size, mkfs, p)
			start := time.Now()
			_, acknowledged := cut(t, template, time.Hour, "apply", plan)
			require.True(t, acknowledged)
			usual := time.Since(start)
			ended := map[string]int{}
			for round := range 100 {
				t.Run("", func(t *testing.T) { ended[powerCut(t, template, plan, p, usual, rnd)]++ })
				if t.Failed() {
					t.Fatalf("round %d failed", round)
				}
			}
			t.Logf("an undisturbed run takes %v; cut ones ended %v", usual, ended)
		})
	}
}

// powerCut applies p's plan, cuts the power, perhaps cuts it again while emend
// recovers, and returns how it ended.
func powerCut(t *testing.T, template, plan string, p *planned, usual time.Duration, rnd *rand.Rand) string {
	disk, acknowledged := cut(t, template, chance(rnd, usual), "apply", plan)
	for rnd.IntN(2) == 0 {
		disk, _ = cut(t, disk, chance(rnd, usual), "recover")
	}
	at := filepath.Join(t.TempDir(), "cut")
	unmount := mount(t, disk, at)
	defer unmount()
	root := filepath.Join(at, "root")

	require.Empty(t, emendJSON(t, root, 0, "recover")["error"])
	got, want, name := readTree(t, root), p.before, "before"
	if acknowledged || !maps.Equal(got, want) {
		want, name = p.after, "after"
	}
	requireTree(t, want, got, "acknowledged: %v", acknowledged)
	requireSettled(t, root)
	requireNothingElse(t, root)
	if acknowledged {
		name += ", acknowledged"
	}
	return name
}
