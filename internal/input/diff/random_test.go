package diff

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// pathPool is where random trees take their names from. Some cannot exist
// together.
var pathPool = []string{
	"a", "b", "c.txt", "d/x", "d/y", "d/e/z", "d", "e", "e/f", "sp ace", " lead", "tr ail ", "tab\there", "new\nline",
	`quo"te`, `back\slash`, "\u00fcml\u00e4ut", "\xff\xfe", "dir with space/f", "-dash", "x y/x y",
}

func randomTree(rng *rand.Rand) tree {
	t := tree{}
	for range 2 + rng.IntN(8) {
		_ = t.add(pathPool[rng.IntN(len(pathPool))], randomNode(rng))
	}
	return t
}

func randomNode(rng *rand.Rand) node {
	switch rng.IntN(12) {
	case 0:
		return node{data: fmt.Sprintf("target%d", rng.IntN(9)), link: true}
	case 1:
		return node{}
	case 2:
		data := make([]byte, rng.IntN(3000))
		for i := range data {
			data[i] = byte(rng.Uint32() >> 16 & 0x0f)
		}
		return node{data: string(data) + "\x00"}
	}
	end := "\n"
	if rng.IntN(4) == 0 {
		end = "\r\n"
	}
	var b strings.Builder
	for range 1 + rng.IntN(30) {
		b.WriteString(randomLine(rng) + end)
	}
	return node{data: trimSome(rng, b.String()), exec: rng.IntN(4) == 0}
}

func randomLine(rng *rand.Rand) string {
	return []string{"", "x", "- dash", "-- sql", "+ plus", " blank", "\\ back", "@@ -1 +1 @@", "\xe9", "tab\t",
		fmt.Sprintf("line %d", rng.IntN(1000)), fmt.Sprintf("word %d", rng.IntN(1000))}[rng.IntN(12)]
}

// trimSome takes the last line end away, now and then.
func trimSome(rng *rand.Rand, s string) string {
	if rng.IntN(4) == 0 {
		return strings.TrimSuffix(s, "\n")
	}
	return s
}

func mutate(rng *rand.Rand, before tree) tree {
	t := maps.Clone(before)
	for range 1 + rng.IntN(4) {
		all := slices.Sorted(maps.Keys(t))
		if len(all) == 0 {
			break
		}
		name, other := all[rng.IntN(len(all))], all[rng.IntN(len(all))]
		switch rng.IntN(9) {
		case 0:
			delete(t, name)
		case 1:
			_ = t.add(pathPool[rng.IntN(len(pathPool))], randomNode(rng))
		case 2: // a rename, mostly with an edit
			n := t[name]
			delete(t, name)
			if t.add(pathPool[rng.IntN(len(pathPool))], editNode(rng, n)) != nil {
				t[name] = n
			}
		case 3:
			_ = t.add(pathPool[rng.IntN(len(pathPool))], editNode(rng, t[name]))
		case 4:
			t[name], t[other] = t[other], t[name]
		case 5:
			n := t[name]
			n.exec = !n.exec && !n.link
			t[name] = n
		case 6:
			t[name] = randomNode(rng)
		default:
			t[name] = editNode(rng, t[name])
		}
	}
	return t
}

// editNode changes a few lines.
func editNode(rng *rand.Rand, n node) node {
	if n.link {
		n.data += "x"
		return n
	}
	lines := strings.SplitAfter(n.data, "\n")
	for range rng.IntN(4) {
		i := rng.IntN(len(lines) + 1)
		switch rng.IntN(3) {
		case 0:
			lines = slices.Insert(lines, i, randomLine(rng)+"\n")
		case 1:
			lines = slices.Delete(lines, min(i, len(lines)-1), min(i, len(lines)-1)+1)
			lines = append(lines, "")
		case 2:
			lines[min(i, len(lines)-1)] = randomLine(rng) + "\n"
		}
	}
	n.data = trimSome(rng, strings.Join(lines, ""))
	return n
}
