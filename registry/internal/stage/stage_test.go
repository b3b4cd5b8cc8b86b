package stage_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry/internal/stage"
)

func TestNeighboursWithOneKeyAreOneStage(t *testing.T) {
	for want, all := range map[string][]int{
		"[]":                       nil,
		"[[11]]":                   {11},
		"[[11 12] [20] [31] [13]]": {11, 12, 20, 31, 13},
	} {
		if got := fmt.Sprint(stage.Group(all, func(n int) int { return n / 10 })); got != want {
			t.Errorf("%v is %s, want %s", all, got, want)
		}
	}
}

func TestAllOfAStageRunsAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		failed := stage.AtOnce([]time.Duration{3, 1, 2}, func(d time.Duration) *time.Duration {
			<-time.After(d * time.Second)
			if d == 1 {
				return nil
			}
			return &d
		})
		if time.Since(start) != 3*time.Second || len(failed) != 2 || *failed[0] != 3 || *failed[1] != 2 {
			t.Errorf("after %v: %d failures", time.Since(start), len(failed))
		}
	})
}
