package mysqltest

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	erAccessDenied    = 1045
	erUnknownCommand  = 1047
	erUnknownDatabase = 1049
)

// problems are the errors that have a text of their own. In a text, {user}, {database} and
// {given} stand for what the client logged in with.
var problems = map[int]struct{ state, text string }{
	1040: {"08004", "Too many connections"},
	1044: {"42000", "Access denied for user '{user}'@'localhost' to database '{database}'"},
	1053: {"08S01", "Server shutdown in progress"},
	1129: {"HY000", "Host 'localhost' is blocked because of many connection errors; " +
		"unblock with 'mariadb-admin flush-hosts'"},
	1203: {"42000", "User {user} already has more than 'max_user_connections' active connections"},
	1290: {"HY000", "The MariaDB server is running with the --read-only option " +
		"so it cannot execute this statement"},
	erAccessDenied: {"28000", "Access denied for user '{user}'@'localhost' " +
		"(using password: {given})"},
	erUnknownCommand:  {"08S01", "Unknown command"},
	erUnknownDatabase: {"42000", "Unknown database '{database}'"},
}

// errorPacket is MariaDB's error of that number for a client that logged in with l. A number that
// is not listed makes a nameless error.
func errorPacket(number int, l login) []byte {
	problem, ok := problems[number]
	if !ok {
		problem.state, problem.text = "HY000", fmt.Sprintf("Unknown error %d", number)
	}
	given := "YES"
	if len(l.proof) == 0 {
		given = "NO"
	}
	fill := strings.NewReplacer("{user}", l.user, "{database}", l.database, "{given}", given)
	packet := binary.LittleEndian.AppendUint16([]byte{0xff}, uint16(number))
	return append(packet, "#"+problem.state+fill.Replace(problem.text)...)
}
