package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/vibework/mooring/bench/internal/workload"
	"github.com/vibework/mooring/internal/mysqltest"
)

func TestMain(m *testing.M) {
	workload.Child()
	os.Exit(m.Run())
}

func TestAQuickRunWritesAPageThatHasEverything(t *testing.T) {
	dir := t.TempDir()
	database := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret"})
	err := run(t.Context(), []string{
		"-quick", "-out", dir, "-redis", miniredis.RunT(t).Addr(),
		"-mysql", database.Addr(), "-user", "app", "-password", "secret", "-database", "shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, heading := range []string{
		"## The bars", "## W1", "## W2", "## W3", "## W4", "## W5", "## W6", "## W7", "## W8", "## W9", "## Growth",
	} {
		if !strings.Contains(page, heading) {
			t.Errorf("there is no %q", heading)
		}
	}
	for _, wrong := range []string{"NaN", "<no value>", "%!", "secret", "127.0.0.1"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page says %q", wrong)
		}
	}
	images := regexp.MustCompile(`\]\((performance/[^)]+\.svg)\)`).FindAllStringSubmatch(page, -1)
	if len(images) < 11 {
		t.Errorf("the page shows %d charts", len(images))
	}
	for _, image := range images {
		if _, err := os.Stat(filepath.Join(dir, image[1])); err != nil {
			t.Error(err)
		}
	}
}
