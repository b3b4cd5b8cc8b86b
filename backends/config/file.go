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
// nothing has: an error if it is required. An alias that says something else is told of.
func (v variable) lookup(environment map[string]string) (value, source string, err error) {
	names := v.plain()
	for i, name := range names {
		value, err := v.clean(name, environment[name])
		path := v.path(name, environment)
		switch {
		case value != "" && path != "":
			return "", name, errors.New("set together with " + name + fileSuffix + "; keep one of the two")
		case value != "":
			for _, other := range names[i+1:] {
				if text := strings.TrimFunc(environment[other], isBlank); text != "" && text != value {
					LogOnce(slog.LevelInfo, other+" is not read, and "+name+" is set", "variable", other)
				}
			}
			return value, name, err
		case path != "":
			value, err = v.readValue(name+fileSuffix, path)
			return value, name + fileSuffix, err
		}
	}
	if v.Required && v.Default == "" {
		err = errors.New("not set")
	}
	return "", "", err
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
func (v variable) readValue(name, path string) (string, error) {
	data, err := ReadFile(path)
	if err != nil {
		return "", err
	}
	content, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		content = strings.TrimSuffix(content, "\r")
	}
	value, err := v.clean(name, content)
	if value == "" {
		err = errors.New("the file is empty") // most likely not written yet; an unset variable says that there is none
	}
	return value, err
}

// ReadFile returns what is in the file that a variable names, if that is 1 MiB at most. It does not wait for a pipe.
// Its error quotes neither the path nor the file: people mistake X_FILE for X and put the secret itself there.
func ReadFile(path string) ([]byte, error) {
	if isDocument(path) || isURL(path) {
		return nil, errors.New("want the path of a file, not its content")
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return nil, errUnreadable // to open a pipe waits for who writes, and it is read but once
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fileError(err)
	}
	if len(data) > maxFile {
		return nil, errors.New("larger than 1 MiB")
	}
	return data, nil
}

var errUnreadable = errors.New("not a readable file")

// fileError says what err says, without the path.
func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no such file")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied")
	case errors.Is(err, syscall.EISDIR):
		return errors.New("is a directory")
	}
	return errUnreadable
}
