package vfs

// WithoutSync returns fsys with every sync of its files and directories left
// out: what is written survives the process and not a power cut. It is what
// durability "none" runs on.
func WithoutSync(fsys FS) FS { return unsyncedFS{fsys} }

type unsyncedFS struct{ FS }

func (f unsyncedFS) OpenRoot(path string) (Dir, error) {
	d, err := f.FS.OpenRoot(path)
	return unsynced(d, err)
}

type unsyncedDir struct{ Dir }

func unsynced(d Dir, err error) (Dir, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedDir{d}, nil
}

func (d unsyncedDir) OpenDir(name string) (Dir, error) {
	sub, err := d.Dir.OpenDir(name)
	return unsynced(sub, err)
}

func (d unsyncedDir) Open(name string) (File, error) {
	f, err := d.Dir.Open(name)
	return unsyncedOpen(f, err)
}

func (d unsyncedDir) OpenWrite(name string) (File, error) {
	f, err := d.Dir.OpenWrite(name)
	return unsyncedOpen(f, err)
}

func (d unsyncedDir) Create(name string, mode uint32) (File, error) {
	f, err := d.Dir.Create(name, mode)
	return unsyncedOpen(f, err)
}

func (d unsyncedDir) Link(name string, to Dir, toName string) error {
	return d.Dir.Link(name, to.(unsyncedDir).Dir, toName)
}

func (d unsyncedDir) Rename(name string, to Dir, toName string) error {
	return d.Dir.Rename(name, to.(unsyncedDir).Dir, toName)
}

func (d unsyncedDir) RenameNoReplace(name string, to Dir, toName string) error {
	return d.Dir.RenameNoReplace(name, to.(unsyncedDir).Dir, toName)
}

func (d unsyncedDir) Exchange(name string, to Dir, toName string) error {
	return d.Dir.Exchange(name, to.(unsyncedDir).Dir, toName)
}

func (d unsyncedDir) Sync() error   { return nil }
func (d unsyncedDir) SyncFS() error { return nil }

type unsyncedFile struct{ File }

func unsyncedOpen(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

func (unsyncedFile) Sync() error     { return nil }
func (unsyncedFile) Datasync() error { return nil }
func (unsyncedFile) Kick()           {}
