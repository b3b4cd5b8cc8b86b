package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

var errMissed = errors.New("a bar was missed")

// hold measures what the gate holds. What does not pass is measured again, twice at most: a machine with other things
// to do can spoil a measurement, a program that has become slower spoils all three.
func hold(ctx context.Context) error {
	plan := suite.Gated()
	var missed []suite.Bar
	for range 3 {
		results, err := suite.Run(ctx, plan, workload.Servers{}, os.Stdout)
		if err != nil {
			return err
		}
		missed = judge(results, plan)
		if len(missed) == 0 {
			return nil
		}
		plan.Steps = suite.Steps(missed)
	}
	return errMissed
}

// judge prints how the gated bars went of what the plan has measured, and returns those that were missed.
func judge(results *suite.Results, plan suite.Plan) (missed []suite.Bar) {
	for _, bar := range results.Gated(plan) {
		word := "ok    "
		if !bar.Passes() {
			word, missed = "MISSED", append(missed, bar)
		}
		fmt.Printf("%s %v, let through: %s\n", word, bar, bar.Bound(bar.Limit()))
	}
	return missed
}
