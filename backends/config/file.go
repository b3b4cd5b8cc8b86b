package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode"
)

const (
	fileSuffix = "_FILE"
	maxFile    = 1 << 20 // far more than any secret or bundle of certificates
)

// lookup returns the value of the first of v's names that is set, "" if none is.
func (v variable) lookup(environment map[string]string) (string, error) {
	for _, name := range v.names() {
		value, p := v.clean(name, environment[name])
		if path := strings.TrimSpace(environment[name+fileSuffix]); v.Secret && path != "" {
			if value != "" {
				return "", complain(name, "set together with "+problem(name)+fileSuffix+"; keep one of the two")
			}
			value, p = v.readSecret(name+fileSuffix, path)
			return value, complain(name+fileSuffix, p)
		}
		if value != "" {
			return value, complain(name, p)
		}
	}
	if v.Required && v.Default == "" {
		return "", complain(v.Name, "not set")
	}
	return "", nil
}

// readSecret returns what is in the file. One "\n" or "\r\n" at its end is the editor's or echo's, and nothing to warn
// of.
func (v variable) readSecret(name, path string) (string, problem) {
	data, p := readFile(path)
	if p != "" {
		return "", p
	}
	content, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		content = strings.TrimSuffix(content, "\r")
	}
	secret, p := v.clean(name, content)
	if secret == "" {
		p = "the file is empty" // most likely not written yet; an unset variable says "no secret"
	}
	return secret, p
}

// clean drops the white space at the ends of a value: it is of the file that set the variable, and often unseen. What
// is dropped from a secret may have been meant, so that is told.
func (v variable) clean(name, value string) (string, problem) {
	text := strings.TrimSpace(value)
	if v.Secret && text != value {
		warnOnce(name, "white space at its ends is dropped")
	}
	if strings.ContainsFunc(text, unicode.IsControl) && !isDocument(text) {
		return text, "has a control character"
	}
	return text, ""
}

// isDocument reports whether the value is PEM or JSON, which have lines: where the path of a file is wanted, somebody
// else knows better what to say.
func isDocument(value string) bool {
	return strings.HasPrefix(value, "-----BEGIN ") || strings.HasPrefix(value, "{")
}

// readFile returns what is in the file. The problem never quotes the path: people mistake X_FILE
// for X and put the secret itself there.
func readFile(path string) ([]byte, problem) {
	if isDocument(path) {
		return nil, "want the path of a file, not its content"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fileProblem(err)
	}
	if len(data) > maxFile {
		return nil, "larger than 1 MiB"
	}
	return data, ""
}

func fileProblem(err error) problem {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, syscall.EISDIR):
		return "is a directory"
	}
	return "not a readable file"
}
