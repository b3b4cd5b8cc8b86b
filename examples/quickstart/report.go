package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/vibework/mooring/registry"
)

// printReport prints one line for each resource.
func printReport(report registry.Report) {
	fmt.Println("\ncheck report:")
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  RESOURCE\tSTATUS\tLATENCY\tERROR")
	for _, result := range report.Results {
		text := ""
		if result.Err != nil {
			text = result.Err.Error()
		}
		latency := result.Duration.Round(10 * time.Microsecond)
		fmt.Fprintf(table, "  %s\t%s\t%v\t%s\n", result.Name, result.Status(), latency, text)
	}
	_ = table.Flush()
}
