package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// producer is a tool that prints changes and can make them as well. Tools are
// looked for in PATH; make test-producers installs them.
type producer struct {
	name   string
	tools  []string
	format string
	files  map[string]string
	report func(p *project) []byte // nil where it fills the directory "reports"
	own    func(p *project)
}

// TestProducers applies what a tool prints, and compares the files with what the
// tool itself makes of them.
func TestProducers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real tools: not in short mode")
	}
	for _, p := range slices.Concat(compilers(), npmTools(), []producer{ruff(), gitSeries(), goplsRename()}) {
		t.Run(p.name, func(t *testing.T) {
			for _, tool := range p.tools {
				if _, err := exec.LookPath(tool); err != nil {
					t.Skipf("%s is not installed: see make test-producers", tool)
				}
			}
			ours, theirs := newProject(t, p.files), newProject(t, p.files)
			report := filepath.Join(ours.dir, "reports")
			if data := p.report(ours); data != nil {
				report = filepath.Join(t.TempDir(), "report")
				require.NoError(t, os.WriteFile(report, data, 0o644))
			}
			check := emendJSON(t, ours.dir, 0, "apply", "--check", report) // the format is told by the content
			require.Equal(t, "checked", check["state"])
			r := emend(t, ours.dir, "apply", "--format", p.format, report)
			require.Equal(t, 0, r.exit, "%s", r.stderr)
			p.own(theirs)
			want := theirs.read(p.files)
			require.NotEqual(t, p.files, want)
			require.Equal(t, want, ours.read(p.files))
			requireSettled(t, ours.dir)
		})
	}
}

// project is a directory in which a tool runs.
type project struct {
	t   *testing.T
	dir string
}

func newProject(t *testing.T, files map[string]string) *project {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	p := &project{t, dir}
	for name, text := range files {
		p.write(name, text)
	}
	return p
}

func (p *project) write(name, text string) {
	path := filepath.Join(p.dir, name)
	require.NoError(p.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(p.t, os.WriteFile(path, []byte(text), 0o644))
}

// read returns the files of these names.
func (p *project) read(names map[string]string) map[string]string {
	files := map[string]string{}
	for name := range names {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		require.NoError(p.t, err)
		files[name] = string(text)
	}
	return files
}

// run runs a tool in the project and returns what it prints. Its exit code
// tells only whether it found anything.
func (p *project) run(name string, args ...string) []byte {
	p.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, &errs
	if err := cmd.Run(); err != nil {
		p.t.Logf("%s: %v\n%s", name, err, errs.Bytes())
	}
	return out.Bytes()
}

// running returns a function that runs a tool, for what a producer prints or
// does itself.
func running(command string) func(p *project) []byte {
	words := strings.Fields(command)
	return func(p *project) []byte { return append([]byte{}, p.run(words[0], words[1:]...)...) }
}

func doing(command string) func(p *project) {
	run := running(command)
	return func(p *project) { run(p) }
}

func compilers() []producer {
	return []producer{
		{
			name: "go vet", tools: []string{"go"}, format: "govet",
			files: map[string]string{
				"go.mod": "module example.com/m\n\ngo 1.24\n",
				"a.go": "package m\n\nimport \"fmt\"\n\n// F is é.\nfunc F(s string) string {\n\tfmt.Printf(s)\n" +
					"\treturn fmt.Sprint(string(len(s)))\n}\n",
				"a_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { t.Errorf(F(\"x\")) }\n",
			},
			report: running("go vet -json ."), own: doing("go vet -fix ."),
		},
		{
			name: "cargo", tools: []string{"cargo"}, format: "rustc",
			files: map[string]string{
				"Cargo.toml": "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
				"src/lib.rs": "use std::collections::HashMap;\nuse std::fmt::{Debug, Display};\r\n\npub fn f() -> i32 {\n" +
					"    let mut x = 1;\n    let unused = \"é😀\"; let mut y = (2);\n    x + y\n}\n\n" +
					"pub fn g<T: Debug>(t: T) {\n    if (true) { println!(\"{:?}\", t) }\n    while true { break; }\n}\n",
			},
			report: running("cargo check --offline --all-targets --message-format=json"),
			own:    doing("cargo fix --offline --lib --allow-no-vcs"),
		},
		{
			name: "clang-tidy", tools: []string{"clang-tidy", "clang-apply-replacements"}, format: "clang",
			files: map[string]string{
				"src/a.h": "inline int *none() { return 0; }\n",
				"src/a.cpp": "#include \"a.h\"\n#include <stdio.h>\n\nclass A {\npublic:\n  A() {}\n  virtual ~A() {}\n};\n\n" +
					"class B : public A {\npublic:\n  virtual ~B() {}\n};\n\nint main(int n, char **) {\n  int *p = NULL; // é\n" +
					"  if (n)\n    for (int i = 0; i < 3; ++i)\n      printf(\"é%d\\n\", i);\n  return none() == 0 || p == 0;\n}\n",
				"src/b.cpp": "#include \"a.h\"\nint *other() { return none() ? 0 : none(); }\n",
			},
			report: tidy,
			own: func(p *project) {
				tidy(p)
				p.run("clang-apply-replacements", "--style=none", "reports")
			},
		},
	}
}

// tidy has clang-tidy report on every translation unit.
func tidy(p *project) []byte {
	require.NoError(p.t, os.Mkdir(filepath.Join(p.dir, "reports"), 0o755))
	for _, unit := range []string{"a", "b"} {
		p.run("clang-tidy", "--checks=-*,modernize-*,readability-braces-around-statements", "--header-filter=.*",
			"--export-fixes=reports/"+unit+".yaml", "src/"+unit+".cpp", "--", "-std=c++14")
	}
	return nil
}

// npmTools have a project with what fixes go wrong about: characters of every
// size, CR LF, a byte order mark, and no line end at the end.
func npmTools() []producer {
	files := map[string]string{
		"eslint.config.js": "module.exports = [{ rules: { semi: 'error', eqeqeq: 'error', 'no-extra-boolean-cast': 'error' } }];\n",
		"a.js":             "foo('a é 😀')\nif (!!a == b) foo(1)\n",
		"d/crlf.js":        "foo(1)\r\nfoo(2)\r\n",
		"d/bom.js":         "\uFEFFfoo('😀'); foo(2)\n",
		"end.js":           "while (!!a) foo(3)",
		"clean.js":         "baz(1);\n",
	}
	list := []producer{{name: "eslint", tools: []string{"eslint"}, format: "eslint", files: files,
		report: running("eslint -f json ."), own: doing("eslint --fix .")}}
	for _, style := range []string{"pretty", "compact", "stream"} {
		list = append(list, producer{name: "ast-grep " + style, tools: []string{"ast-grep"}, format: "ast-grep", files: files,
			report: running("ast-grep run -p foo($A) -r bar($A) --json=" + style),
			own:    doing("ast-grep run -p foo($A) -r bar($A) -U")})
	}
	return list
}

// ruff is its engine, which comes without its command line: see
// testdata/ruff-json.
func ruff() producer {
	return producer{
		name: "ruff", tools: []string{"ruff-json"}, format: "ruff",
		files: map[string]string{
			"bom.py":   "\uFEFFimport os\r\nx = '😀é';\r\nif x == None:\r\n    print('😀', f'é')  # é \r\n",
			"d/end.py": "def f(a):\n    '😀'; b = a != None or 1;\n    return (not a in [b])",
			"clean.py": "x = 1\n",
		},
		report: running("ruff-json bom.py d/end.py clean.py"),
		own:    doing("ruff-json --fix bom.py d/end.py clean.py"),
	}
}

// gitSeries is two commits as mails, one with a message that looks like a hunk
// (what looks like a whole patch, git am takes for one).
func gitSeries() producer {
	const message = "Say more\n\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n"
	git := func(p *project, args ...string) []byte {
		return p.run("git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
	}
	commit := func(p *project, message string) {
		git(p, "add", "a.txt", "b.txt")
		git(p, "commit", "-q", "-m", message)
	}
	series := func(p *project) []byte {
		work := newProject(p.t, p.read(map[string]string{"a.txt": "", "b.txt": ""}))
		git(work, "init", "-q")
		commit(work, "Base")
		work.write("a.txt", "one\r\nzwei é\r\nthree\r\n")
		commit(work, "In German")
		work.write("a.txt", "one\r\nzwei é\r\nthree\r\nfour\r\n")
		work.write("b.txt", "no line end")
		commit(work, message)
		return git(work, "format-patch", "--stdout", "-2")
	}
	return producer{
		name: "git format-patch", tools: []string{"git"}, format: "diff",
		files:  map[string]string{"a.txt": "one\r\ntwo\r\nthree\r\n", "b.txt": "b\n"},
		report: series,
		own: func(p *project) {
			mails := filepath.Join(p.t.TempDir(), "mails")
			require.NoError(p.t, os.WriteFile(mails, series(p), 0o644))
			git(p, "init", "-q")
			commit(p, "Base")
			git(p, "am", "--keep-cr", mails)
		},
	}
}
