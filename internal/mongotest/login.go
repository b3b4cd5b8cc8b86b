package mongotest

import (
	"errors"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	mechanism    = "SCRAM-SHA-256"
	authDatabase = "admin"
)

// newSCRAM knows one user. 4096 rounds are the fewest that the driver accepts; a test has no need
// of more.
func newSCRAM(user, password string) (*scram.Server, error) {
	client, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		return nil, err
	}
	salted := scram.KeyFactors{Salt: "mongotest salt 1", Iters: 4096}
	known, err := client.GetStoredCredentialsWithError(salted)
	if err != nil {
		return nil, err
	}
	return scram.SHA256.NewServer(func(name string) (scram.StoredCredentials, error) {
		if name != user {
			return scram.StoredCredentials{}, errors.New("unknown user")
		}
		return known, nil
	})
}

// saslStart begins a login, and leaves c.login nil if that fails. The user's database is in the
// field that databaseKey names: a login within a hello has it elsewhere than the command.
func (c *session) saslStart(body bson.Raw, databaseKey string) bson.D {
	c.login = nil
	if asked, _ := body.Lookup("mechanism").StringValueOK(); asked != mechanism {
		return failure(codeMechanismUnavailable, "mechanism "+asked+" is not enabled")
	}
	database, _ := body.Lookup(databaseKey).StringValueOK()
	if database != authDatabase || c.server.scram == nil {
		return authenticationFailed()
	}
	c.login = c.server.scram.NewConversation()
	return c.step(body)
}

func (c *session) saslContinue(body bson.Raw) bson.D {
	if c.login == nil {
		return failure(codeProtocolError, "No SASL session state found")
	}
	return c.step(body)
}

// step hands the client's message to the conversation and sends back what comes out of it.
func (c *session) step(body bson.Raw) bson.D {
	_, message, _ := body.Lookup("payload").BinaryOK()
	response, err := c.login.Step(string(message))
	if err != nil {
		c.login = nil
		return authenticationFailed()
	}
	c.loggedIn = c.loggedIn || c.login.Valid()
	return append(bson.D{
		{Key: "conversationId", Value: int32(1)},
		{Key: "done", Value: c.login.Done()},
		{Key: "payload", Value: []byte(response)},
	}, success()...)
}

func authenticationFailed() bson.D {
	return failure(codeAuthenticationFailed, "Authentication failed.")
}
