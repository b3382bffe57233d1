package editor_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/locator"
)

// A rename of a function across two files, and a note about it in a third:
// all of it happens, or none of it.
func Example() {
	root, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	source := []byte("package p\n\nfunc Foo() int { return 1 }\n")
	write(root, "a.go", source)
	write(root, "b.go", []byte("package p\n\nvar x = Foo()\n"))

	ctx := context.Background()
	ed, err := editor.Open(ctx, root) // recovers what a crash left
	if err != nil {
		log.Fatal(err)
	}
	defer ed.Close()

	tx, err := ed.Prepare(ctx, editor.Plan{ // reads and checks, writes nothing
		Label: "rename Foo to Bar",
		Ops: []editor.Op{
			editor.Edit{
				Path:   "a.go",
				Expect: editor.RawHash(hashing.Raw(source)),
				Edits:  []locator.Edit{{Start: 16, End: 19, Text: []byte("Bar")}},
			},
			editor.Edit{
				Path:  "b.go",
				Edits: []locator.Edit{{Find: []byte("Foo"), Text: []byte("Bar")}},
			},
			editor.Create{Path: "docs/CHANGES", Content: []byte("Foo is Bar now.\n")},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	res, err := tx.Commit(ctx) // nil: every file is durable
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range res.Files {
		fmt.Println(f.Op, f.Path)
	}

	// The same plan again does not fit any more, and says so before anything
	// is touched.
	_, err = ed.Apply(ctx, editor.Plan{Ops: []editor.Op{
		editor.Edit{
			Path:   "a.go",
			Expect: editor.RawHash(hashing.Raw(source)),
			Edits:  []locator.Edit{{Start: 16, End: 19, Text: []byte("Baz")}},
		},
	}})
	var e *editor.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Path, e.State)
	}
	// Output:
	// edit a.go
	// edit b.go
	// create docs/CHANGES
	// drift a.go unchanged
}

func write(root, name string, content []byte) {
	if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
		log.Fatal(err)
	}
}
