package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vibework/mooring/internal/backends"
)

// elsewhere are backends that are modules of their own, by name. The command has them only where such a module makes
// it: whoever installs it would inherit their drivers.
var elsewhere = map[string]string{"postgres": "github.com/vibework/mooring/backends/postgres"}

// tellOfOthers says that what a variable configures is not examined.
func tellOfOthers(environ []string, w io.Writer) {
	told := make(map[string]bool)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		for backend, module := range elsewhere {
			here := slices.ContainsFunc(table, func(b backends.Backend) bool { return b.Name == backend })
			if strings.HasPrefix(name, strings.ToUpper(backend)+"_") && value != "" && !here && !told[backend] {
				told[backend] = true
				fmt.Fprintf(w, "mooring: %s is set, which this command does not examine, but that of another module does: "+
					"go install %s/cmd/mooring@latest\n", name, module)
			}
		}
	}
}
