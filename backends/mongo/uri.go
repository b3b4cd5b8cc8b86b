package mongo

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

const defaultPort = 27017

// parse takes a connection string apart and returns the options that Go's driver has no use for beside it. The driver
// reads the rest, but its errors quote what it cannot read, and it ignores options that it does not know. No error of
// parse quotes a part of raw, except for the name of an option that is a misspelt one.
func parse(raw string) (u kit.URI, unused []string, errs []error) {
	head, query, _ := strings.Cut(raw, "?")
	if onlyKnown(query) { // an @ in there is no part of a password: Azure shows appName=@account@ for Cosmos DB
		raw = head + "?" + strings.ReplaceAll(query, "@", "%40")
	}
	u, err := kit.ParseURI(raw, "mongodb", "mongodb+srv")
	if err != nil {
		return u, nil, []error{err}
	}
	add := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New(text))
		}
	}
	add(u.User == "" && !u.Password.IsZero(), "the password has no user name")
	add(isSRV(u) && (len(u.Hosts) > 1 || u.Hosts[0].Port != 0 || !kit.ValidHost(u.Hosts[0].Name)),
		"mongodb+srv:// wants one host and no port")
	if u.Path != "" && !validDatabase(u.Path) {
		add(true, "the path must be the name of a database")
		u.Path = ""
	}
	options := make(url.Values)
	for _, given := range slices.Sorted(maps.Keys(u.Query)) {
		name, rule := findRule(given)
		switch {
		case name == "":
			add(true, "an option after the ? is unknown"+suggestion(given))
		case rule.verdict == unneeded:
			unused = append(unused, name)
		case rule.verdict == refused:
			add(true, name+": Go's driver has no such option; "+rule.text)
		default:
			options[name] = append(options[name], u.Query[given]...)
		}
	}
	u.Query = options
	return u, unused, append(errs, dropBadValues(u)...)
}

func isSRV(u kit.URI) bool { return u.Scheme == "mongodb+srv" }

func onlyKnown(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if known, _ := findRule(name); known == "" {
			return false
		}
	}
	return true
}

// dropBadValues drops what the driver accepts and hardly anybody means, and returns an error for each.
func dropBadValues(u kit.URI) (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(u.Query)) {
		_, rule := findRule(name)
		values := u.Query[name]
		_, err := strconv.Atoi(values[0])
		text := ""
		switch {
		case slices.ContainsFunc(values, kit.HasControl):
			text = "has a control character"
		case name == readTags: // its values are tried in their order, and an empty one is any server
		case len(values) > 1:
			text = "is set more than once"
		case values[0] == "":
			text = "is empty"
		case rule.verdict == forSRV && (!isSRV(u) || name == "srvMaxHosts" && err != nil):
			text = "want " + rule.text
		}
		if text != "" {
			errs = append(errs, fmt.Errorf("%s: %s", name, text))
			delete(u.Query, name)
		}
	}
	return errs
}

// text returns the connection string for the driver. If plain, there is nothing in it for the driver to look up: it
// begins with mongodb://, and says what mongodb+srv:// means besides.
func text(u kit.URI, plain bool) config.Secret {
	var hosts []string
	for _, host := range u.Hosts {
		hosts = append(hosts, url.QueryEscape(host.Addr(defaultPort)))
	}
	options := maps.Clone(u.Query)
	scheme := u.Scheme
	switch {
	case isSRV(u) && plain:
		scheme = "mongodb"
		delete(options, "srvMaxHosts")
		delete(options, "srvServiceName")
		if !options.Has("tls") && !options.Has("ssl") {
			options.Set("tls", "true")
		}
	case isSRV(u):
		hosts = []string{u.Hosts[0].Name}
	}
	login := ""
	if u.User != "" {
		login = escape(u.User) + "@"
		if u.HasPassword {
			login = escape(u.User) + ":" + escape(u.Password.Reveal()) + "@"
		}
	}
	target := strings.Join(hosts, ",") + "/" + escape(u.Path) + "?" + options.Encode()
	return config.NewSecret(scheme + "://" + login + target)
}

// escape leaves nothing that the driver could take for the end of a part. It has no + for a space, which counts in
// some parts only.
func escape(part string) string { return strings.ReplaceAll(url.QueryEscape(part), "+", "%20") }

// blame returns an error for each option that the driver refuses. It tries one after the other, in the order of the
// rules, since what the driver says of them cannot be shown.
func blame(u kit.URI) (errs []error) {
	options := u.Query
	u.Query = make(url.Values)
	if _, err := read(text(u, true)); err != nil {
		return []error{errors.New("the driver refuses the user or the hosts")}
	}
	for _, rule := range optionRules {
		for unit := range strings.FieldsSeq(rule.names) {
			names := strings.Split(unit, "+")
			before := maps.Clone(u.Query)
			for _, name := range names {
				if options.Has(name) {
					u.Query[name] = options[name]
				}
			}
			if _, err := read(text(u, true)); err != nil {
				errs = append(errs, fmt.Errorf("%s: want %s", strings.Join(names, ", "), rule.text))
				u.Query = before
			}
		}
	}
	return errs
}
