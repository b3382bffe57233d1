// Package archtest holds the house to its plan: which package may import
// which, what an importer of the library links, and that only internal/vfs
// changes anything on disk. It has no code of its own.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/emend/emend"

// mayImport says for each part of the house which other parts its code may
// import. A part is a directory and all beneath it that is not a part itself.
// Everyone may import internal/fail, which imports nobody.
var mayImport = map[string][]string{
	"cmd/emend":      {"internal/input", "editor", "recovery", "wal", "locator", "hashing"},
	"internal/input": {"editor", "locator", "hashing"},
	"editor":         {"recovery", "internal/apply", "wal", "locator", "hashing", "internal/vfs"},
	"recovery":       {"internal/apply", "wal", "locator", "hashing", "internal/vfs"},
	"internal/apply": {"wal", "locator", "hashing", "internal/vfs"},
	"wal":            {"locator", "hashing", "internal/vfs"},
	"locator":        {"hashing"},
	"hashing":        {},
	"internal/vfs":   {},
	"internal/fail":  {},
}

// pure parts do no input or output.
var pure = []string{"locator", "hashing"}

// doesIO is what a pure part must not import.
var doesIO = []string{"os", "io/fs", "io/ioutil", "net", "os/exec", "syscall", "log", "path/filepath"}

// testSupport is linked into tests only, and may do what tests do.
var testSupport = []string{
	"internal/input/inputtest", "internal/vfs/crashfs", "internal/vfs/faultfs", "internal/vfs/vfstest",
}

// onlyIn names the one part whose code may import a module. None: tests only.
var onlyIn = map[string]string{
	"github.com/zeebo/xxh3":       "hashing",
	"github.com/google/renameio":  "internal/vfs",
	"golang.org/x/sys":            "internal/vfs",
	"github.com/spf13":            "cmd/emend",
	"golang.org/x/term":           "cmd/emend",
	"github.com/stretchr/testify": "",
	"github.com/rogpeppe":         "",
	"pgregory.net/rapid":          "",
}

// libraryLinks is all that an importer of editor links besides the standard
// library and this module. cpuid is xxh3's.
var libraryLinks = []string{
	"github.com/google/renameio/v2",
	"github.com/klauspost/cpuid/v2",
	"github.com/zeebo/xxh3",
	"golang.org/x/sys",
}

// platforms are the systems that emend builds for.
var platforms = []string{"linux", "darwin", "windows"}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

// goList lists packages as they are built for the system goos.
func goList(t *testing.T, goos string, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Module"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else {
			require.NoError(t, err)
		}
		pkgs = append(pkgs, p)
	}
}

// rel is path relative to the module, and whether it is in it.
func rel(path string) (string, bool) {
	return strings.CutPrefix(path, module+"/")
}

// within reports whether path is dir or beneath it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// partOf returns the part of the house that holds the package path, relative
// to the module. No part is empty.
func partOf(path string) string {
	part := ""
	for dir := range mayImport {
		if within(path, dir) && len(dir) > len(part) {
			part = dir
		}
	}
	return part
}

func TestImportsGoOneWay(t *testing.T) {
	for _, goos := range platforms {
		for _, pkg := range goList(t, goos, "./...") {
			path, _ := rel(pkg.ImportPath)
			part := partOf(path)
			for _, imported := range pkg.Imports {
				target, ours := rel(imported)
				if !ours || partOf(target) == part || target == "internal/fail" {
					continue
				}
				require.NotEmpty(t, part, "%s has code but no place in the house", path)
				require.Contains(t, mayImport[part], partOf(target), "%s imports %s (%s)", path, target, goos)
				require.NotContains(t, testSupport, target, "%s imports test support", path)
			}
		}
	}
}

func TestModulesStayInTheirPart(t *testing.T) {
	for _, goos := range platforms {
		for _, pkg := range goList(t, goos, "./...") {
			path, _ := rel(pkg.ImportPath)
			for _, imported := range pkg.Imports {
				for mod, part := range onlyIn {
					if within(imported, mod) && !slices.Contains(testSupport, path) {
						require.Equal(t, part, partOf(path), "%s imports %s (%s)", path, imported, goos)
					}
				}
			}
		}
	}
}

func TestPurePackagesDoNoIO(t *testing.T) {
	for _, part := range pure {
		for _, pkg := range goList(t, "linux", "./"+part+"/...") {
			for _, imported := range pkg.Imports {
				require.False(t, slices.Contains(doesIO, imported), "%s imports %s", pkg.ImportPath, imported)
			}
		}
	}
}

func TestAnImporterOfTheLibraryLinksLittle(t *testing.T) {
	for _, goos := range platforms {
		for _, pkg := range goList(t, goos, "-deps", "./editor") {
			if pkg.Standard || pkg.Module.Path == module {
				continue
			}
			require.Contains(t, libraryLinks, pkg.Module.Path, "editor links %s (%s)", pkg.ImportPath, goos)
		}
	}
}
