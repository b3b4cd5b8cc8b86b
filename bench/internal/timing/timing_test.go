package timing_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/bench/internal/timing"
)

func TestARatioIsFormedInsideAPass(t *testing.T) {
	var table timing.Table
	for _, slow := range []float64{1, 5, 2} { // a machine that is that much slower in a whole pass
		table.Add("a", "x", 10*slow)
		table.Add("b", "x", 20*slow)
	}
	if got, want := table.Ratio("a", "b", "x"), (timing.Ratio{Median: 0.5, Min: 0.5, Max: 0.5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	table.Add("a", "y", 5)
	table.Add("a", "y", 25)
	table.Add("a", "y", 10)
	if got, want := table.Growth("a", "y", "x").Times(2), (timing.Ratio{Median: 1, Min: 1, Max: 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := table.Median("a", "x"); got != 20 {
		t.Errorf("the median is %v", got)
	}
	if got := table.Ratio("a", "nobody", "x").Median; !math.IsNaN(got) {
		t.Errorf("a ratio to what was not measured is %v", got)
	}
}

func TestMedianOfAnEvenNumberOfPassesIsBetweenTheMiddleTwo(t *testing.T) {
	var table timing.Table
	for _, value := range []float64{4, 1, 3, 2} {
		table.Add("a", "x", value)
	}
	if got := table.Median("a", "x"); got != 2.5 {
		t.Errorf("got %v", got)
	}
}

func TestInterleaveMeasuresEveryRowOfAColumnInAnotherOrderEachTime(t *testing.T) {
	rows, columns, passes := []string{"a", "b", "c", "d"}, []string{"1", "2"}, 6
	var got []string
	timing.Interleave(passes, columns, rows, func(row, column string) { got = append(got, row+column) })
	orders := make(map[string]bool)
	for pass := range passes {
		for i, column := range columns {
			from := (pass*len(columns) + i) * len(rows)
			order := slices.Clone(got[from : from+len(rows)])
			orders[strings.Join(order, " ")] = true
			slices.Sort(order)
			if want := []string{"a" + column, "b" + column, "c" + column, "d" + column}; !slices.Equal(order, want) {
				t.Errorf("pass %d, column %s: got %v", pass, column, order)
			}
		}
	}
	if first := []string{"a1", "b1", "c1", "d1"}; !slices.Equal(got[:4], first) || len(orders) < 6 {
		t.Errorf("it begins with %v, and there are the orders %v", got[:4], orders)
	}
}

func TestMeasureCountsWhatOneOperationAllocates(t *testing.T) {
	var sink []byte
	got := timing.Measure(time.Millisecond, func(n int) {
		for range n {
			sink = make([]byte, 1024)
		}
	})
	_ = sink
	if got.Nanos <= 0 || math.Abs(got.Allocs-1) > 0.1 || math.Abs(got.Bytes-1024) > 100 {
		t.Errorf("got %+v", got)
	}
}
