package config

// maxEdits is the longest distance that edits tells apart.
const maxEdits = 2

// edits returns how many letters must be added, dropped, replaced, or swapped with a neighbour to
// turn a into b (optimal string alignment), or maxEdits+1 if that takes more than maxEdits.
func edits(a, b string) int {
	if len(a)-len(b) > maxEdits || len(b)-len(a) > maxEdits {
		return maxEdits + 1
	}
	// row[j] turns the first i bytes of a into the first j of b; before and prev are the rows above.
	var before, prev []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, prev, row = prev, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := prev[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(prev[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], maxEdits+1)
}
