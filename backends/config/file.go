package config

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

const (
	fileSuffix = "_FILE"
	maxFile    = 1 << 20 // far more than any secret or bundle of certificates
)

// lookup returns the value of the first of v's names that is set, by itself or by a file, and what has set it, "" if
// nothing has. An alias that says something else is told of.
func (v variable) lookup(environment map[string]string) (value, source string, p problem) {
	names := append([]string{v.Name}, v.Aliases...)
	for i, name := range names {
		value, p := v.clean(name, environment[name])
		path := v.path(name, environment)
		switch {
		case value != "" && path != "":
			return "", name, "set together with " + problem(name) + fileSuffix + "; keep one of the two"
		case value != "":
			for _, other := range names[i+1:] {
				if text := strings.TrimFunc(environment[other], isBlank); text != "" && text != value {
					LogOnce(slog.LevelInfo, other+" is not read, and "+name+" is set", "variable", other)
				}
			}
			return value, name, p
		case path != "":
			value, p = v.readValue(name+fileSuffix, path)
			return value, name + fileSuffix, p
		}
	}
	return "", "", ""
}

// path returns the path of the file that stands in for the variable, "" if there is none.
func (v variable) path(name string, environment map[string]string) string {
	if !v.File {
		return ""
	}
	path, _ := variable{}.clean(name+fileSuffix, environment[name+fileSuffix])
	return path
}

// readValue returns what is in the file. One "\n" or "\r\n" at its end is the editor's or echo's, and nothing to warn
// of.
func (v variable) readValue(name, path string) (string, problem) {
	data, p := readFile(path)
	if p != "" {
		return "", p
	}
	content, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		content = strings.TrimSuffix(content, "\r")
	}
	value, p := v.clean(name, content)
	if value == "" {
		p = "the file is empty" // most likely not written yet; an unset variable says that there is none
	}
	return value, p
}

// ReadFile returns what is in the file that a variable names, if that is 1 MiB at most. It does not wait for a pipe.
// Its error quotes neither the path nor the file.
func ReadFile(path string) ([]byte, error) {
	data, p := readFile(path)
	if p != "" {
		return nil, errors.New(string(p))
	}
	return data, nil
}

// readFile returns what is in the file. The problem never quotes the path: people mistake X_FILE
// for X and put the secret itself there.
func readFile(path string) ([]byte, problem) {
	if isDocument(path) || isURL(path) {
		return nil, "want the path of a file, not its content"
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return nil, "not a readable file" // to open a pipe waits for who writes, and it is read but once
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
