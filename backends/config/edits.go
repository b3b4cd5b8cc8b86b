package config

// maxEdits is the longest distance that edits tells apart.
const maxEdits = 2

// edits returns how many letters must be added, dropped, replaced, or swapped with a neighbour to
// turn a into b (optimal string alignment), or maxEdits+1 if that takes more than maxEdits.
func edits(a, b string) int { return min(distance(a, b, maxEdits), maxEdits+1) }

// distance returns how many edits it takes, or some number above most if it takes more than that.
func distance(a, b string, most int) int {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case most == 0:
		return 1
	}
	n := min(distance(a[1:], b, most-1), distance(a, b[1:], most-1), distance(a[1:], b[1:], most-1))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		n = min(n, distance(a[2:], b[2:], most-1))
	}
	return n + 1
}
