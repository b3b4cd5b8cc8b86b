package mongo

import (
	"errors"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/tag"
)

// readTags is the one option that may be there more than once: its sets are tried in their order.
const readTags = "readPreferenceTags"

// readPreference is what the URI says of the servers to read from.
type readPreference struct {
	mode         readpref.Mode // 0 if it says nothing
	tagSets      []tag.Set
	maxStaleness int // seconds, 0 if it says nothing
}

func setReadPreference(s *settings, value string) error {
	return word(func(s *settings, v string) {
		s.read.mode, _ = readpref.ModeFromString(v)
	}, "primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")(s, value)
}

// setReadTags reads "dc:ny,rack:1"; an empty value is the set that every server has.
func setReadTags(s *settings, value string) error {
	var set tag.Set
	for pair := range strings.SplitSeq(value, ",") {
		name, content, found := strings.Cut(pair, ":")
		switch {
		case found && name != "":
			set = append(set, tag.Tag{Name: name, Value: content})
		case value != "":
			return errors.New("want pairs such as dc:ny,rack:1")
		}
	}
	s.read.tagSets = append(s.read.tagSets, set)
	return nil
}

// contradiction says which parts do not go together.
func (r readPreference) contradiction() string {
	if r.mode > readpref.PrimaryMode || r.tagSets == nil && r.maxStaleness == 0 {
		return ""
	}
	return "readPreferenceTags and maxStalenessSeconds want a readPreference other than primary"
}

// preference returns what the driver wants, nil for its default.
func (r readPreference) preference() *readpref.ReadPref {
	if r.mode == 0 {
		return nil
	}
	var opts []readpref.Option
	if r.tagSets != nil {
		opts = append(opts, readpref.WithTagSets(r.tagSets...))
	}
	if r.maxStaleness != 0 {
		opts = append(opts, readpref.WithMaxStaleness(time.Duration(r.maxStaleness)*time.Second))
	}
	preference, _ := readpref.New(r.mode, opts...) // fails on contradictions only
	return preference
}
