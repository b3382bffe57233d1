package fix

import (
	"net/url"
	"path"
	"strings"

	"github.com/emend/emend/internal/fail"
)

// Root is the workspace under all the absolute names that reports may give it:
// as the user named it, and without links. Slash-separated.
type Root struct {
	Names   []string
	Windows bool // paths have drive letters, and case does not count in them
}

// Rel returns a path of a report relative to the root, slash-separated and
// clean. What is not absolute is relative to base, which may be absolute itself
// or relative to the root, "" for the root. Dots are resolved by the text alone.
// What lies outside the root is an error of kind path-escape.
func (r Root) Rel(name, base string) (string, error) {
	full := name
	if r.Windows {
		full, base = strings.ReplaceAll(full, `\`, "/"), strings.ReplaceAll(base, `\`, "/")
	}
	if full == "" {
		return "", fail.New(fail.PathEscape, "", "", "the path is empty")
	}
	if !r.isAbs(full) && base != "" {
		full = base + "/" + full
	}
	full = path.Clean(full)
	if r.isAbs(full) {
		inside, ok := r.inside(full)
		if !ok {
			return "", fail.New(fail.PathEscape, "", name, "is outside the root")
		}
		full = inside
	}
	if full == "." || full == ".." || strings.HasPrefix(full, "../") {
		return "", fail.New(fail.PathEscape, "", name, "is outside the root")
	}
	return full, nil
}

// inside returns full, absolute and clean, relative to the first name of the
// root that it lies under.
func (r Root) inside(full string) (string, bool) {
	for _, name := range r.Names {
		name = strings.TrimSuffix(name, "/") + "/"
		if len(full) > len(name) && r.same(full[:len(name)], name) {
			return full[len(name):], true
		}
	}
	return "", false
}

func (r Root) same(a, b string) bool { return a == b || r.Windows && strings.EqualFold(a, b) }

func (r Root) isAbs(name string) bool {
	return strings.HasPrefix(name, "/") || r.Windows && len(name) > 2 && name[1] == ':' && name[2] == '/'
}

// FileURI returns the file: URI of a path relative to the root, by the first
// name of that.
func (r Root) FileURI(name string) string {
	full := path.Join(r.Names[0], name)
	if !strings.HasPrefix(full, "/") {
		full = "/" + full // a drive
	}
	parts := strings.Split(full, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return "file://" + strings.Join(parts, "/")
}

// URI returns what a file: URI names, relative to the root. Other schemes and
// hosts are unsupported.
func (r Root) URI(uri string) (string, error) {
	name, err := r.uriPath(uri)
	if err != nil {
		return "", err
	}
	return r.Rel(name, "")
}

// uriPath returns the path of a file: URI, percent-decoded.
func (r Root) uriPath(uri string) (string, error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(scheme, "file") {
		return "", fail.New(fail.Unsupported, "", "", "%.80q is not a file: URI", uri)
	}
	if hosted, ok := strings.CutPrefix(rest, "//"); ok {
		host, name, _ := strings.Cut(hosted, "/")
		if host != "" && !strings.EqualFold(host, "localhost") {
			return "", fail.New(fail.Unsupported, "", "", "%.80q names a file of another host", uri)
		}
		rest = "/" + name
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		return "", fail.New(fail.Unsupported, "", "", "%.80q is more than the name of a file", uri)
	}
	name, err := url.PathUnescape(rest)
	if err != nil || !strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return "", fail.New(fail.Parse, "", "", "%.80q is not a file: URI with an absolute path", uri)
	}
	if drive := name[1:]; r.Windows && len(drive) > 1 && drive[1] == ':' {
		name = drive
	}
	return name, nil
}
