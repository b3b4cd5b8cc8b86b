package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/vibework/mooring/lab/internal/wire"
)

// Redis returns a server, not started yet. With a certificate it offers TLS, too, on the port that is returned.
// User and the default user have the same password.
func Redis(folder string, cert *wire.Certificate) (p *Process, secure string, err error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, "", err
	}
	if p, err = newProcess(folder, "redis"); err != nil {
		return nil, "", err
	}
	config := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nenable-protected-configs local\nsave \"\"\nappendonly no\n"+
		"requirepass %[3]s\nuser %[4]s on >%[3]s ~* &* +@all\n", p.Port(), p.Folder, p.Password, User)
	if cert != nil {
		port, err := FreePort()
		if err != nil {
			return nil, "", err
		}
		secure = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		config += fmt.Sprintf("tls-port %d\ntls-cert-file %s\ntls-key-file %s\ntls-auth-clients no\n"+
			"tls-ca-cert-file %[2]s\n", port, cert.CertFile, cert.KeyFile)
	}
	file := filepath.Join(p.Folder, "redis.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, "", err
	}
	p.program, p.args = program, []string{file}
	return p, secure, nil
}
