package input

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/input/fix"
)

// producer runs real tools on a small project.
type producer struct {
	*testing.T
	dir string
}

// newProducer skips the test where a tool is missing.
func newProducer(t *testing.T, files map[string]string, tools ...string) *producer {
	if testing.Short() {
		t.Skip("runs real tools: not in short mode")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	tree(files).write(t, dir)
	return &producer{t, dir}
}

// run runs a tool in the project, whatever it thinks of that, and returns what
// it prints.
func (p *producer) run(name string, args ...string) []byte {
	p.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, &errs
	if err := cmd.Run(); err != nil {
		p.Logf("%s: %v\n%s", name, err, errs.Bytes())
	}
	return out.Bytes()
}

// apply applies reports to the project, whose files are at least as old.
func (p *producer) apply(format string, reports ...[]byte) {
	p.Helper()
	sources := make([]*fix.Source, len(reports))
	for i, report := range reports {
		sources[i] = &fix.Source{Name: "report", Data: report}
	}
	found, err := Detect(reports[0])
	require.NoError(p, err)
	require.Equal(p, format, found)
	plan, err := Parse(format, Options{Root: fix.Root{Names: []string{filepath.ToSlash(p.dir)}}}, sources...)
	require.NoError(p, err)
	require.NotEmpty(p, plan.Ops)
	require.NoError(p, applyPlan(p.dir, plan))
}

// compare checks that these files are the same after emend and after what the
// tool's own command, run on the files as they were before, makes of them.
func (p *producer) compare(before map[string]string, own func()) {
	p.Helper()
	got := p.read(before)
	require.NotEqual(p, before, got)
	tree(before).write(p.T, p.dir)
	own()
	require.Equal(p, p.read(before), got)
}

func (p *producer) read(names map[string]string) map[string]string {
	files := map[string]string{}
	for name := range names {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		require.NoError(p, err)
		files[name] = string(text)
	}
	return files
}

func TestGoVet(t *testing.T) {
	files := map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.24\n",
		"a.go": "package m\n\nimport \"fmt\"\n\n// F is é.\nfunc F(s string) string {\n\tfmt.Printf(s)\n" +
			"\treturn fmt.Sprint(string(len(s)))\n}\n",
		"a_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { t.Errorf(F(\"x\")) }\n",
	}
	p := newProducer(t, files, "go")
	p.apply("govet", p.run("go", "vet", "-json", "."))
	p.compare(files, func() { p.run("go", "vet", "-fix", ".") })
}

func TestCargo(t *testing.T) {
	files := map[string]string{
		"Cargo.toml": "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"src/lib.rs": "use std::collections::HashMap;\nuse std::fmt::{Debug, Display};\r\n\npub fn f() -> i32 {\n" +
			"    let mut x = 1;\n    let unused = \"é😀\"; let mut y = (2);\n    x + y\n}\n\n" +
			"pub fn g<T: Debug>(t: T) {\n    if (true) { println!(\"{:?}\", t) }\n    while true { break; }\n}\n",
	}
	p := newProducer(t, files, "cargo")
	p.apply("rustc", p.run("cargo", "check", "--offline", "--all-targets", "--message-format=json"))
	p.compare(files, func() { p.run("cargo", "fix", "--offline", "--lib", "--allow-no-vcs") })
}

func TestClangTidy(t *testing.T) {
	files := map[string]string{
		"src/a.h": "inline int *none() { return 0; }\n",
		"src/a.cpp": "#include \"a.h\"\n#include <stdio.h>\n\nclass A {\npublic:\n  A() {}\n  virtual ~A() {}\n};\n\n" +
			"class B : public A {\npublic:\n  virtual ~B() {}\n};\n\nint main(int n, char **) {\n  int *p = NULL; // é\n" +
			"  if (n)\n    for (int i = 0; i < 3; ++i)\n      printf(\"é%d\\n\", i);\n  return none() == 0 || p == 0;\n}\n",
		"src/b.cpp": "#include \"a.h\"\nint *other() { return none() ? 0 : none(); }\n",
	}
	p := newProducer(t, files, "clang-tidy", "clang-apply-replacements")
	reports := map[string]string{"fixes/a.yaml": "src/a.cpp", "fixes/b.yaml": "src/b.cpp"}
	require.NoError(t, os.Mkdir(filepath.Join(p.dir, "fixes"), 0o755))
	var data [][]byte
	for report, source := range reports {
		p.run("clang-tidy", "--checks=-*,modernize-*,readability-braces-around-statements", "--header-filter=.*",
			"--export-fixes="+report, source, "--", "-std=c++14")
		yaml, err := os.ReadFile(filepath.Join(p.dir, report))
		require.NoError(t, err)
		data = append(data, yaml)
	}
	p.apply("clang", data...)
	p.compare(files, func() { p.run("clang-apply-replacements", "--style=none", "fixes") })
}
