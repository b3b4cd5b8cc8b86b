package main

import (
	"fmt"
	"io"
	"strings"
)

// elsewhere are backends that are modules of their own, by the prefix of their variables. This command does not have
// them: whoever installs it would inherit their drivers.
var elsewhere = map[string]string{"POSTGRES_": "github.com/vibework/mooring/backends/postgres"}

// tellOfOthers says that what a variable configures is not examined.
func tellOfOthers(environ []string, w io.Writer) {
	told := make(map[string]bool)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		for prefix, module := range elsewhere {
			if strings.HasPrefix(name, prefix) && value != "" && !told[prefix] {
				told[prefix] = true
				fmt.Fprintf(w, "mooring: %s is set, and %s is a module of its own, which this command does not examine\n",
					name, module)
			}
		}
	}
}
