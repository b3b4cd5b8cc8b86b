package timing

import (
	"math"
	"slices"
)

// Table holds a number for each row, column and pass. What was not measured reads as NaN.
type Table struct {
	Rows, Columns []string // in the order in which they were added

	values map[cell][]float64
}

type cell struct{ row, column string }

// Add adds the number that the next pass has found.
func (t *Table) Add(row, column string, value float64) {
	if t.values == nil {
		t.values = make(map[cell][]float64)
	}
	if !slices.Contains(t.Rows, row) {
		t.Rows = append(t.Rows, row)
	}
	if !slices.Contains(t.Columns, column) {
		t.Columns = append(t.Columns, column)
	}
	at := cell{row, column}
	t.values[at] = append(t.values[at], value)
}

// Median returns the median of all passes.
func (t *Table) Median(row, column string) float64 {
	return spread(slices.Clone(t.values[cell{row, column}])).Median
}

// Ratio compares a row with another, pass by pass.
func (t *Table) Ratio(row, base, column string) Ratio {
	return compare(t.values[cell{row, column}], t.values[cell{base, column}])
}

// Growth compares a column of a row with another column, pass by pass.
func (t *Table) Growth(row, column, base string) Ratio {
	return compare(t.values[cell{row, column}], t.values[cell{row, base}])
}

func compare(above, below []float64) Ratio {
	if len(above) != len(below) {
		return Missing
	}
	ratios := make([]float64, len(above))
	for i := range above {
		ratios[i] = above[i] / below[i]
	}
	return spread(ratios)
}

// Ratio is how the ratios of all passes are spread.
type Ratio struct{ Median, Min, Max float64 }

// Times returns the ratio multiplied by a number.
func (r Ratio) Times(factor float64) Ratio {
	return Ratio{r.Median * factor, r.Min * factor, r.Max * factor}
}

// Missing is the ratio of what was not measured.
var Missing = Ratio{math.NaN(), math.NaN(), math.NaN()}

func spread(values []float64) Ratio {
	if len(values) == 0 {
		return Missing
	}
	slices.Sort(values)
	half := len(values) / 2
	median := values[half]
	if len(values)%2 == 0 {
		median = (values[half-1] + values[half]) / 2
	}
	return Ratio{median, values[0], values[len(values)-1]}
}
