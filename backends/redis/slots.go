package redis

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

const (
	slotCount = 16384
	anySlot   = -1 // of a command that names no key: any master will do
)

// slotMap says which master holds which slots.
type slotMap struct {
	holders [slotCount]string // addresses; "" where a slot has no master
	masters []string          // each once
}

// addr returns the master that holds the slot, and "" if none does.
func (m *slotMap) addr(slot int) string {
	if slot != anySlot {
		return m.holders[slot]
	}
	return m.masters[rand.IntN(len(m.masters))]
}

func (m *slotMap) isWhole() bool { return !slices.Contains(m.holders[:], "") }

// parseSlots reads the answer to CLUSTER SLOTS of the node at addr: from, to, and the nodes, the master first. It
// returns nil if there is no slot in it.
func parseSlots(reply any, addr string) *slotMap {
	m := &slotMap{}
	shards, _ := driver.Values(reply, nil)
	for _, shard := range shards {
		var from, to, port int
		var host string // a node may not know its own
		var master []any
		fields, _ := driver.Values(shard, nil)
		_, err1 := driver.Scan(fields, &from, &to, &master)
		_, err2 := driver.Scan(master, &host, &port)
		if err1 != nil || err2 != nil || from < 0 || to >= slotCount {
			return nil
		}
		holder := sameHost(fmt.Sprint(host, ":", port), addr)
		for slot := from; slot <= to; slot++ {
			m.holders[slot] = holder
		}
		if !slices.Contains(m.masters, holder) {
			m.masters = append(m.masters, holder)
		}
	}
	if len(m.masters) == 0 {
		return nil
	}
	return m
}

// sameHost returns the address of a node, host:port. One that does not know its host is where the one at addr is that
// speaks of it: so it is behind an address translation or a balancer.
func sameHost(node, addr string) string {
	colon := max(strings.LastIndexByte(node, ':'), 0)
	host, port := node[:colon], node[colon+1:]
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(addr)
	}
	return hostPort(host, port)
}

// hostPort puts an address together. IPv6 may come in brackets or without.
func hostPort(host, port string) string { return net.JoinHostPort(strings.Trim(host, "[]"), port) }

// command is a command and its arguments, and the reply once it has come.
type command struct {
	name  string // in upper case
	args  []any
	reply any
	told  bool // the program has had an OK for this MULTI, which is not sent yet
}

// slotOf returns the slot that all commands are about.
func slotOf(commands []*command) (int, error) {
	slot := anySlot
	for _, c := range commands {
		key, found := c.key()
		own := slotOfKey(key)
		switch {
		case slices.Contains(ofOneNode, c.name):
			return 0, kit.Errorf(registry.KindUnknown, "%s speaks of one node of the cluster only: connect to each", c.name)
		case strings.HasPrefix(c.name, "WAIT") && len(commands) == 1:
			return 0, kit.Errorf(registry.KindUnknown, "%s speaks of one connection only: send it behind a command", c.name)
		case !found:
		case slot != anySlot && slot != own:
			return 0, kit.Errorf(registry.KindUnknown, "the keys of a pipeline or a transaction are not in one slot")
		default:
			slot = own
		}
	}
	return slot, nil
}

// ofOneNode are commands that would be done, or answered, by any one node and be taken for done by the cluster, and
// those that are about the connection, which is another one for the next command.
var ofOneNode = strings.Fields("ASKING AUTH CLIENT DBSIZE FLUSHALL FLUSHDB FUNCTION HELLO KEYS QUIT RANDOMKEY " +
	"READONLY READWRITE RESET SCAN SCRIPT SSUBSCRIBE SWAPDB")

var keyless = strings.Fields("ACL BGREWRITEAOF BGSAVE CLUSTER COMMAND CONFIG DISCARD ECHO EXEC INFO LASTSAVE LATENCY " +
	"LOLWUT MODULE MONITOR MULTI PING PSUBSCRIBE PUBSUB PUNSUBSCRIBE ROLE SAVE SELECT SHUTDOWN SLOWLOG SUBSCRIBE " +
	"SUNSUBSCRIBE TIME UNSUBSCRIBE UNWATCH WAIT WAITAOF")

// keyAt is where the first key stands among the arguments, if it is not the first of them.
var keyAt = map[string]int{
	"BITOP": 1, "DEBUG": 1, "MEMORY": 1, "OBJECT": 1, "XGROUP": 1, "XINFO": 1, "MIGRATE": 2,
	"LMPOP": 1, "SINTERCARD": 1, "ZDIFF": 1, "ZINTER": 1, "ZINTERCARD": 1, "ZMPOP": 1, "ZUNION": 1,
	"BLMPOP": 2, "BZMPOP": 2,
	"EVAL": 2, "EVALSHA": 2, "EVAL_RO": 2, "EVALSHA_RO": 2, "FCALL": 2, "FCALL_RO": 2,
}

// key returns the first key of a command. A script without keys has none.
func (c *command) key() (key string, found bool) {
	at := keyAt[c.name]
	if c.name == "XREAD" || c.name == "XREADGROUP" {
		at = 1 + slices.IndexFunc(c.args, func(arg any) bool { return strings.EqualFold(textOf(arg), "STREAMS") })
	}
	isScript := strings.HasPrefix(c.name, "EVAL") || strings.HasPrefix(c.name, "FCALL")
	if slices.Contains(keyless, c.name) || at >= len(c.args) || isScript && textOf(c.args[1]) == "0" {
		return "", false
	}
	return textOf(c.args[at]), true
}

// textOf returns an argument as the driver sends it.
func textOf(arg any) string {
	switch arg := arg.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "1", false: "0"}[arg]
	case []byte:
		return string(arg)
	case driver.Argument:
		return textOf(arg.RedisArg())
	}
	return fmt.Sprint(arg)
}

// slotOfKey returns the slot of a key: the CRC-16 (XMODEM) of what stands between its first braces, or else of all.
func slotOfKey(key string) int {
	if _, rest, found := strings.Cut(key, "{"); found {
		if tag, _, found := strings.Cut(rest, "}"); found && tag != "" {
			key = tag
		}
	}
	var crc uint16
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x1021
		}
	}
	return int(crc % slotCount)
}
