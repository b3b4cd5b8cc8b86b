package config

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// Port is a TCP port, 1 to 65535; 0 is an unset one.
type Port uint16

// UnmarshalText reads "3306", or "tcp://10.0.0.1:3306": Kubernetes sets MYSQL_PORT to the latter in
// every pod beside a Service called mysql.
func (p *Port) UnmarshalText(text []byte) error {
	digits := string(text)
	if link, ok := strings.CutPrefix(digits, "tcp://"); ok {
		_, digits, _ = net.SplitHostPort(link)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return errors.New("not a port: want 1 to 65535")
	}
	*p = Port(n)
	return nil
}
