package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// changesDisk is every function of package os that changes what is on disk, or
// hands out something that can.
var changesDisk = []string{
	"Chmod", "Chown", "Chtimes", "CopyFS", "Create", "CreateTemp", "Lchown", "Link", "Mkdir", "MkdirAll", "MkdirTemp",
	"NewFile", "OpenFile", "OpenInRoot", "OpenRoot", "Remove", "RemoveAll", "Rename", "Symlink", "Truncate", "WriteFile",
}

// namesOnly is what may be used of package syscall: names of errors and
// signals.
var namesOnly = regexp.MustCompile(`^(Errno|E[A-Z0-9]+|Signal|SIG[A-Z0-9]+)$`)

// TestOnlyVFSChangesTheDisk parses every file that is built into emend, for
// any system, and looks at what it uses of os and syscall.
func TestOnlyVFSChangesTheDisk(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dir, _ := filepath.Rel("../..", path)
		switch name := d.Name(); {
		case d.IsDir() && (name == "testdata" || name == ".git" || dir == filepath.Join("internal", "vfs")):
			return filepath.SkipDir
		case d.IsDir() && (dir != "." && isModule(path) || slices.Contains(testSupport, filepath.ToSlash(dir))):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files++
		return checkFile(t, path)
	})
	require.NoError(t, err)
	require.NotZero(t, files)
}

// isModule reports whether dir is a module of its own, which emend does not
// link.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// checkFile fails the test for each forbidden use in the Go file at path.
func checkFile(t *testing.T, path string) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	names := localNames(file)
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		switch names[id.Name] {
		case "os":
			if slices.Contains(changesDisk, sel.Sel.Name) {
				t.Errorf("%s: os.%s is for internal/vfs only", fset.Position(sel.Pos()), sel.Sel.Name)
			}
		case "syscall":
			if !namesOnly.MatchString(sel.Sel.Name) {
				t.Errorf("%s: syscall.%s is for internal/vfs only", fset.Position(sel.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
	return nil
}

// localNames maps the name by which file knows an import to its path.
func localNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = path
	}
	return names
}
