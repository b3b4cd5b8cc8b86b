package all_test

// world is what the canary test does to a backend.
type world struct {
	start    func(s servers)    // starts those servers that know the protocol
	outcomes map[string]outcome // by how a server behaves. They say that the client got as far with it as it can get

	whole      []string            // the environment of a whole program that meets the server which sends back what it hears
	parts      []string            // what says where the server is, for the variables that are not in alone
	alone      []string            // the variables that say where the server is themselves
	fitting    []string            // the variables whose whole value may be a secret that the server gets to see
	inClear    string              // what makes the client send its password in clear, if it does not without that
	inClearFor []string            // the variables that are to be tried in clear, too
	shapes     map[string][]string // what somebody may make of a password by variable, right and wrong; a right one first
	extras     []string            // each is set beside the first shape
	shown      []string            // the variables, and the shapes, where the secret is an address or a name that records show
}

// worlds has an entry for each backend.
var worlds = map[string]world{
	"mysql": {
		start: startMySQL,
		outcomes: map[string]outcome{
			"refuses":                   {"Open: unreachable", false},
			"is silent":                 {"Open: timeout", false},
			"mirrors":                   {"Open: timeout", false}, // it waits for the server's greeting
			"rejects":                   {"Open: auth", true},
			"echoes":                    {"Open: unknown", true},
			"echoes in a plugin's name": {"Open: auth", false}, // it hears the user, not the password
			"echoes after a ping":       {"Check: unknown", true},
		},
		parts:   []string{"MYSQL_HOST={host}", "MYSQL_PORT={port}", "MYSQL_USER=app", "MYSQL_DATABASE=shop", "MYSQL_PASSWORD=pw"},
		alone:   []string{"MYSQL_URL", "MYSQL_DSN"},
		fitting: []string{"MYSQL_PASSWORD"},
		whole:   []string{"MYSQL_URL=mysql://app:{secret}@{addr}/shop", "MYSQL_TLS=skip-verify"},
		shown: []string{
			"MYSQL_HOST", "MYSQL_DATABASE", "mysql://app:pw@{addr}/{secret}",
			"app:pw@tcp({secret})/shop", "app:pw@unix(/{secret})/shop", "app:pw@tcp({addr})/{secret}",
		},
		extras:  []string{"MYSQL_TLS=skip-verify", "MYSQL_PASSWORD=other"},
		inClear: "MYSQL_TLS=skip-verify", inClearFor: []string{"MYSQL_PASSWORD", "MYSQL_USER"},
		shapes: map[string][]string{
			"MYSQL_URL": {
				"mysql://app:{secret}@{addr}/shop", "mysql://{secret}@{addr}/shop", "mysql://app:{secret}", "mysql:{secret}@{addr}",
				"mysql://app:pw@{addr}/{secret}", "mysql://app:pw@{addr}/shop?{secret}", "mysql://app:pw@{addr}/shop?{secret}=1",
				"mysql://app:pw@{addr}/shop?sql_mode={secret}", "mysql://app:pw@{addr}/shop?loc={secret}",
				"mysql://app:{secret}@tcp({addr})/shop", "mysql://app:pw@{addr}:{secret}/shop", "{secret}://app:pw@{addr}/shop",
			},
			"MYSQL_DSN": {
				"app:{secret}@tcp({addr})/shop", "{secret}@tcp({addr})/shop", "app:{secret}@tcp({addr})", "app:{secret}@{addr}/shop",
				"app:pw@tcp({secret})/shop", "app:pw@{secret}({addr})/shop", "app:pw@unix(/{secret})/shop", "app:pw@tcp({addr})/{secret}",
				"app:pw@tcp({addr})/shop?{secret}", "app:pw@tcp({addr})/shop?time_zone={secret}", "app:pw@tcp({addr})/shop?tls={secret}",
			},
		},
	},
	"mongo": {
		start: startMongo,
		outcomes: map[string]outcome{
			"refuses":             {"Open: unreachable", false},
			"is silent":           {"Open: timeout", false},
			"mirrors":             {"Open: unreachable", false},
			"rejects":             {"Open: auth", true},
			"echoes":              {"Open: unknown", true},
			"echoes after a ping": {"Check: unknown", true},
		},
		parts: []string{"MONGO_URI=mongodb://app:pw@{addr}/shop"},
		alone: []string{"MONGO_URI"},
		whole: []string{"MONGO_URI=mongodb://app:{secret}@{addr}/shop?authMechanism=PLAIN"},
		shown: []string{
			"MONGO_DATABASE", "mongodb://{addr}/{secret}", "mongodb://{secret}/shop", "mongodb+srv://{secret}/",
			"mongodb+srv://app:pw@{secret}.example.invalid",
		},
		extras: []string{"MONGO_TLS=skip-verify"},
		shapes: map[string][]string{
			"MONGO_URI": {
				"mongodb://app:{secret}@{addr}/shop?authMechanism=PLAIN", "mongodb://app:{secret}@{addr}/shop",
				"mongodb://{secret}:pw@{addr}/shop", "mongodb://app:{secret}", "mongodb://{addr}/{secret}", "mongodb://{addr}/?{secret}",
				"mongodb://{addr}/?{secret}=1", "mongodb://{addr}/?appName={secret}", "mongodb://{addr}/?replicaSet={secret}",
				"mongodb://app:pw@{addr}/?authSource={secret}", "mongodb://{addr}/?tlsCAFile={secret}", "mongodb://{secret}/shop",
				"mongodb+srv://app:{secret}@cluster.example.invalid/shop", "mongodb+srv://{secret}/", "mongodb+srv://app:pw@{secret}.example.invalid",
				"mongodb://{addr}/?readPreference=secondary&readPreferenceTags={secret}", "mongodb://{addr}/?appName=@{secret}@",
				"mongodb://{addr}/?w=1&x={secret}@y", "mongodb://{addr}/?proxyPassword={secret}", "mongodb://{addr}/?family={secret}",
				"mongodb://{addr}/?tls=true&tlsCertificateKeyFilePassword={secret}", "mongodb://{addr}/?compressors={secret}",
				"mongodb://app:pw@{addr}/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{secret}",
				"mongodb://{addr}/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:{secret}",
			},
		},
	},
	"redis": {
		start: startRedis,
		outcomes: map[string]outcome{
			"refuses":                 {"Open: unreachable", false},
			"is silent":               {"Open: timeout", false},
			"mirrors":                 {"Open: unknown", false},
			"rejects":                 {"Open: auth", true},
			"says no permission":      {"Open: permission", true},
			"echoes":                  {"Open: auth", true}, // what it sends back begins as a refused AUTH does
			"echoes and nothing else": {"Open: unknown", true},
			"echoes after a ping":     {"Check: unknown", true},
		},
		parts:   []string{"REDIS_HOST={host}", "REDIS_PORT={port}", "REDIS_USERNAME=app", "REDIS_PASSWORD=pw"},
		alone:   []string{"REDIS_URL"},
		fitting: []string{"REDIS_PASSWORD"},
		whole:   []string{"REDIS_URL=redis://app:{secret}@{addr}"},
		shown:   []string{"REDIS_HOST", "redis://{secret}:1"},
		extras:  []string{"REDIS_TLS=skip-verify", "REDIS_PASSWORD=other"},
		shapes: map[string][]string{
			"REDIS_URL": {
				"redis://app:{secret}@{addr}/0", "redis://:{secret}@{addr}", "redis://{secret}@{addr}", "redis://app:{secret}",
				"redis://{addr}/{secret}", "redis://{addr}?{secret}", "redis://{secret}:1", "rediss://app:{secret}@{addr}",
				"{secret}@{addr}", "redis:{secret}@{addr}", "redis+sentinel://app:{secret}@{addr}/m",
				"redis+sentinel://{addr}/{secret}", "redis+cluster://app:{secret}@{addr}", "redis+{secret}://{addr}",
			},
		},
	},
	"pubsub": {
		start: startPubSub,
		outcomes: map[string]outcome{
			"refuses":                     {"Open: unreachable", false},
			"is silent":                   {"Open: timeout", false},
			"mirrors":                     {"Open: unreachable", false},
			"echoes":                      {"Open: unreachable", true},
			"echoes after a call":         {"Check: unreachable", true},
			"echoes with Unauthenticated": {"Open: auth", true},
			"echoes with Unavailable":     {"Open: unreachable", false},
			"echoes with Internal":        {"Open: unreachable", true},
			"echoes with InvalidArgument": {"Open: config", true},
			"echoes with Code(77)":        {"Open: unknown", true},
		},
		parts:   []string{"PUBSUB_EMULATOR_HOST={addr}", "PUBSUB_PROJECT_ID=p", "PUBSUB_CHECK_INTERVAL=1ns"},
		fitting: []string{"PUBSUB_PROJECT_ID", "PUBSUB_CHECK_TOPIC"},
		whole:   []string{"PUBSUB_EMULATOR_HOST={addr}", "PUBSUB_CHECK_INTERVAL=1ns"},
		shown:   []string{"PUBSUB_EMULATOR_HOST", "PUBSUB_ENDPOINT", "PUBSUB_PROJECT_ID", "{secret}:8085"},
		shapes: map[string][]string{
			"PUBSUB_EMULATOR_HOST": {"http://{secret}@{addr}", "{secret}:{addr}", "{secret}:8085"},
			"PUBSUB_PROJECT_ID":    {"projects/{secret}"},
			"PUBSUB_CHECK_TOPIC":   {"projects/{secret}/topics/t", "projects/p/topics/{secret}"},
		},
	},
}
