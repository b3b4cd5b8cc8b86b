package mongotest

import "go.mongodb.org/mongo-driver/v2/bson"

const (
	codeUnauthorized         = 13
	codeProtocolError        = 17
	codeAuthenticationFailed = 18
	codeCommandNotFound      = 59
	codeMechanismUnavailable = 334
	codeNotWritablePrimary   = 10107
)

// codeNames are MongoDB's names for the codes that the fake, or a test, answers with.
var codeNames = map[int]string{
	codeUnauthorized:         "Unauthorized",
	codeProtocolError:        "ProtocolError",
	codeAuthenticationFailed: "AuthenticationFailed",
	50:                       "MaxTimeMSExpired",
	codeCommandNotFound:      "CommandNotFound",
	91:                       "ShutdownInProgress",
	189:                      "PrimarySteppedDown",
	codeMechanismUnavailable: "MechanismUnavailable",
	codeNotWritablePrimary:   "NotWritablePrimary",
	11600:                    "InterruptedAtShutdown",
}

func success() bson.D { return bson.D{{Key: "ok", Value: 1.0}} }

func failure(code int, text string) bson.D {
	name, ok := codeNames[code]
	if !ok {
		name = "UnknownError"
	}
	return bson.D{
		{Key: "ok", Value: 0.0},
		{Key: "errmsg", Value: text},
		{Key: "code", Value: int32(code)},
		{Key: "codeName", Value: name},
	}
}
