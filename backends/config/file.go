package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const (
	fileSuffix = "_FILE"
	maxFile    = 1 << 20 // far more than any secret or bundle of certificates
)

// lookup returns the value of the first of v's names that is set, "" if none is.
func (v variable) lookup(environment map[string]string) (string, error) {
	for _, name := range v.names() {
		value := environment[name]
		if v.Secret && environment[name+fileSuffix] != "" {
			if value != "" {
				return "", complain(name, "set together with "+problem(name)+fileSuffix+"; keep one of the two")
			}
			content, p := readSecret(environment[name+fileSuffix])
			return content, complain(name+fileSuffix, p)
		}
		if value != "" {
			return value, nil
		}
	}
	if v.Required && v.Default == "" {
		return "", complain(v.Name, "not set")
	}
	return "", nil
}

// readSecret returns what is in the file, less one "\n" or "\r\n" at the end: that one is the
// editor's or echo's, a second one may belong to the secret.
func readSecret(path string) (string, problem) {
	data, p := readFile(path)
	secret, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		secret = strings.TrimSuffix(secret, "\r")
	}
	if p == "" && secret == "" {
		p = "the file is empty" // most likely not written yet; an unset variable says "no secret"
	}
	return secret, p
}

// readFile returns what is in the file. The problem never quotes the path: people mistake X_FILE
// for X and put the secret itself there.
func readFile(path string) ([]byte, problem) {
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
