package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

func TestALiveValueFollowsItsFileHoweverItIsChanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path, content string){
		"written over":              func(t *testing.T, path, content string) { write(t, path, content) },
		"another file in its place": func(t *testing.T, path, content string) { replace(t, path, content) },
		"the links of Kubernetes":   project,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "password")
			change(t, path, "first0")
			live, reads := watch(t, path)
			for i := range 20 {
				want := fmt.Sprintf("next%02d", i) // always of the same length
				change(t, path, want)
				if got := live.Get(); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			if reads() < 21 {
				t.Errorf("it was read %d times", reads())
			}
		})
	}
}

func TestAFileThatDoesNotChangeIsNotReadAgain(t *testing.T) {
	for _, age := range []time.Duration{0, time.Second, time.Hour} {
		path := writeFile(t, "hunter2")
		changed := time.Now().Add(-age)
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
		live, reads := watch(t, path)
		for range 100 {
			_ = live.Get()
		}
		if reads() != 1 {
			t.Errorf("changed %v ago, it was read %d times", age, reads())
		}
	}
}

func TestAChangeThatItsTimeDoesNotShowIsSeen(t *testing.T) {
	path := writeFile(t, "hunter2")
	now := time.Now()
	stamp := func() {
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	stamp()
	live, _ := watch(t, path)
	write(t, path, "hunter3")
	stamp()
	if got := live.Get(); got != "hunter3" {
		t.Errorf("got %q", got)
	}
}

func TestTheLastGoodContentServesWhileTheFileIsBad(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"a directory": func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := captureLog(t)
			path := writeFile(t, "good")
			live, _ := watch(t, path)
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if got := live.Get(); got != "good" {
					t.Errorf("got %q", got)
				}
			}
			if n := strings.Count(log.String(), "what was read before stays in use"); n != 1 {
				t.Errorf("%d records:\n%s", n, log)
			}
			_ = os.Remove(path)
			write(t, path, "better")
			if got := live.Get(); got != "better" {
				t.Errorf("got %q once it is good again", got)
			}
		})
	}
}

func TestAFileThatIsMendedWithoutATraceIsReadAgain(t *testing.T) {
	captureLog(t)
	path := writeFile(t, "old")
	readable := true // as a permission is, which leaves the time of the file as it was
	live, err := config.NewLive([]string{path}, func() (string, error) {
		if !readable {
			return "", errors.New("PASSWORD_FILE: permission denied")
		}
		content, err := os.ReadFile(path)
		return string(content), err
	})
	if err != nil {
		t.Fatal(err)
	}
	readable = false
	write(t, path, "another")
	longAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	if got := live.Get(); got != "old" {
		t.Errorf("got %q", got)
	}
	readable = true
	if got := live.Get(); got != "another" {
		t.Errorf("got %q once it can be read", got)
	}
}

func TestALiveValueIsNotMadeOfTwoGenerations(t *testing.T) {
	dir := t.TempDir()
	user, password := filepath.Join(dir, "user"), filepath.Join(dir, "password")
	set := func(generation string) {
		write(t, user, generation)
		write(t, password, generation)
	}
	set("a")
	during := func() {}
	live, err := config.NewLive([]string{user, password}, func() (string, error) {
		first, err1 := os.ReadFile(user)
		during()
		second, err2 := os.ReadFile(password)
		return string(first) + string(second), errors.Join(err1, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	set("b")
	during = func() {
		during = func() {}
		set("c")
	}
	if got := live.Get(); got != "cc" {
		t.Errorf("got %q", got)
	}
}

func TestALiveValueCannotBeMadeOfABadFile(t *testing.T) {
	_, err := config.NewLive([]string{"/no/such"}, func() (string, error) { return "", errors.New("X_FILE: no such file") })
	assertError(t, err, "X_FILE: no such file")
}

func TestALiveValueMayBeReadByManyWhileItChanges(t *testing.T) {
	path := writeFile(t, "0")
	live, _ := watch(t, path)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 200 {
				if got := live.Get(); len(got) != 1 {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for i := range 50 {
		replace(t, path, fmt.Sprint(i%10))
	}
	running.Wait()
}

// watch returns the live content of a file that must not be empty, and how often it was read.
func watch(t *testing.T, path string) (live *config.Live[string], reads func() int) {
	t.Helper()
	n := 0
	live, err := config.NewLive([]string{path}, func() (string, error) {
		n++
		content, err := os.ReadFile(path)
		if err == nil && len(content) == 0 {
			err = errors.New("empty")
		}
		if err != nil {
			return "", errors.New("PASSWORD_FILE: not readable")
		}
		return string(content), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return live, func() int { return n }
}

// write writes over the file.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace puts another file in the place of the file.
func replace(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// project does what Kubernetes does for a Secret that is mounted: path is a link to ..data/name, and ..data is a link
// to a directory that is exchanged.
func project(t *testing.T, path, content string) {
	t.Helper()
	dir, name := filepath.Split(path)
	generation := filepath.Join(dir, fmt.Sprintf("..%d", time.Now().UnixNano()))
	if err := os.Mkdir(generation, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(generation, name), content)
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	if err := errors.Join(
		os.Symlink(filepath.Base(generation), filepath.Join(dir, "..data_tmp")),
		os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		if err := os.Symlink(filepath.Join("..data", name), path); err != nil {
			t.Fatal(err)
		}
	}
	if old != "" {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			t.Fatal(err)
		}
	}
}
