package mysqltest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
)

var (
	okPacket  = []byte{0x00, 0, 0, 2, 0, 0, 0} // no rows affected, no id, autocommit, no warnings
	endPacket = []byte{0xfe, 0, 0, 2, 0}       // no warnings, autocommit
)

// packets reads and writes MySQL's frames: three bytes of length, one of sequence, the payload.
type packets struct {
	conn     net.Conn
	sequence byte
}

// read returns one payload, which is never empty. A client that splits a payload of 16 MiB or more
// is refused; no test has reason to send one.
func (p *packets) read() ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(p.conn, header[:]); err != nil {
		return nil, err
	}
	p.sequence = header[3] + 1
	header[3] = 0
	size := binary.LittleEndian.Uint32(header[:])
	if size == 0 || size == 1<<24-1 {
		return nil, errors.New("mysqltest: empty or split packet")
	}
	payload := make([]byte, size)
	_, err := io.ReadFull(p.conn, payload)
	return payload, err
}

func (p *packets) write(payload []byte) error {
	frame := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	frame[3] = p.sequence
	p.sequence++
	_, err := p.conn.Write(append(frame, payload...))
	return err
}
