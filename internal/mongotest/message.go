package mongotest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The forms of message. A client sends its first hello as an opQuery, answered by an opReply; all
// else is opMsg, both ways.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

const (
	headerSize = 16
	maxMessage = 48_000_000
)

var errMalformed = errors.New("mongotest: malformed message")

// header precedes every message.
type header struct{ Length, ID, ResponseTo, Form int32 }

// request is one command, in whichever form it came.
type request struct {
	header

	body      bson.Raw
	documents []bson.Raw // those that an insert carries beside its body
	silent    bool       // the client wants no reply
}

func readRequest(r io.Reader) (*request, error) {
	q := new(request)
	if err := binary.Read(r, binary.LittleEndian, &q.header); err != nil {
		return nil, err
	}
	if q.Length < headerSize || q.Length > maxMessage {
		return nil, errMalformed
	}
	payload := make([]byte, q.Length-headerSize)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, err
	}
	switch q.Form {
	case opQuery:
		return q, q.parseQuery(bytes.NewBuffer(payload))
	case opMsg:
		return q, q.parseMsg(bytes.NewBuffer(payload))
	}
	return nil, errMalformed
}

// parseQuery skips the flags, the collection's name and two counts to find the command.
func (q *request) parseQuery(b *bytes.Buffer) error {
	b.Next(4)
	if _, err := b.ReadString(0); err != nil {
		return errMalformed
	}
	b.Next(8)
	var err error
	q.body, err = readDocument(b)
	return err
}

// parseMsg reads the flags and then sections: the body, and sequences of further documents.
func (q *request) parseMsg(b *bytes.Buffer) error {
	const checksum, moreToCome = 1 << 0, 1 << 1
	flags := b.Next(4)
	if len(flags) < 4 || flags[0]&checksum != 0 {
		return errMalformed
	}
	q.silent = flags[0]&moreToCome != 0
	for b.Len() > 0 {
		var err error
		switch kind, _ := b.ReadByte(); kind {
		case 0:
			q.body, err = readDocument(b)
		case 1:
			err = q.parseSequence(b)
		default:
			err = errMalformed
		}
		if err != nil {
			return err
		}
	}
	if q.body == nil {
		return errMalformed
	}
	return nil
}

// parseSequence reads a size that includes itself, a name, and documents.
func (q *request) parseSequence(b *bytes.Buffer) error {
	var size int32
	if err := binary.Read(b, binary.LittleEndian, &size); err != nil {
		return err
	}
	if size < 4 {
		return errMalformed
	}
	sequence := bytes.NewBuffer(b.Next(int(size) - 4))
	if _, err := sequence.ReadString(0); err != nil {
		return errMalformed
	}
	for sequence.Len() > 0 {
		document, err := readDocument(sequence)
		if err != nil {
			return err
		}
		q.documents = append(q.documents, document)
	}
	return nil
}

func readDocument(b *bytes.Buffer) (bson.Raw, error) {
	document, err := bson.ReadDocument(b)
	if err != nil {
		return nil, err
	}
	return document, document.Validate()
}

// reply answers in the form that the request came in.
func (q *request) reply(w io.Writer, answer bson.D) error {
	body, err := bson.Marshal(answer)
	if err != nil {
		return err
	}
	h := header{ResponseTo: q.ID, Form: opMsg}
	prelude := make([]byte, 5) // no flags, and a section of kind 0
	if q.Form == opQuery {
		h.Form = opReply
		prelude = make([]byte, 20) // no flags, no cursor, from the first of one document
		prelude[16] = 1
	}
	h.Length = int32(headerSize + len(prelude) + len(body))
	var message bytes.Buffer
	_ = binary.Write(&message, binary.LittleEndian, h)
	message.Write(prelude)
	message.Write(body)
	_, err = w.Write(message.Bytes())
	return err
}
