// Package pubsub is the Google Cloud Pub/Sub backend: importing it registers a resource called "pubsub" that is
// configured by the PUBSUB_* variables. It speaks to the service and to its emulator.
//
//	import "github.com/vibework/mooring/backends/pubsub"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	orders := pubsub.Publisher("orders")
//	result := orders.Publish(ctx, &driver.Message{Data: data})
//	id, err := result.Get(ctx) // once the service has confirmed it
//
// # Configuration
//
// PUBSUB_PROJECT_ID (or GOOGLE_CLOUD_PROJECT, or GCLOUD_PROJECT), and the credentials: those in the file that
// PUBSUB_CREDENTIALS_FILE names, those in the options of [WithClientOptions], or else Google's application default
// credentials, which are the file that GOOGLE_APPLICATION_CREDENTIALS names, those of gcloud, or those of the
// machine. The project may be left out where the file names one; with options in code, or with the project
// *detect-project-id*, it is that of the credentials, wherever they come from. PUBSUB_ENDPOINT, such as
// europe-west3-pubsub.googleapis.com, keeps messages in a region and in order, or goes by a private way; the universe
// is the driver's GOOGLE_CLOUD_UNIVERSE_DOMAIN or an option.
//
// With PUBSUB_EMULATOR_HOST, such as 127.0.0.1:8085, there are no credentials, and the project is "emulator" unless
// it is set. The driver sends everything of the process there, so an instance that is not to use an emulator is
// refused then. Every variable is a field of [Config]. A second instance is
// registry.Register(pubsub.New("pubsub-eu")); it reads PUBSUB_EU_*.
//
// The driver reads a file of credentials when the client is opened, and a file that it names, such as the token of a
// workload, for each token that it fetches. A renewed key of a service account is read when the resource is opened
// again.
//
// # Open, check, close
//
// Open connects and does what Check does. Check asks for a topic that need not exist: that it is not there is an
// answer, too, and so is that the credentials may not look, which is logged once as a warning. Every other refusal
// is a failure that says what to do: an API that is off, billing, a project that is not there, a scope, a quota
// project, a perimeter. A topic that PUBSUB_CHECK_TOPIC names has to exist and to be seen: if it is not there, the
// kind is KindConfig. An emulator forgets its topics when it restarts.
//
// An answer counts for PUBSUB_CHECK_INTERVAL while the connection lasts, since Google allows 6,000 such questions a
// minute for all of a project. So a service that is silent behind a living connection is noticed after that time.
//
// Close stops and flushes all publishers at the same time, until its context is about to end, and then cuts
// what is left. Its error counts the messages that were accepted and that the service has not confirmed: these
// may be lost, or may have arrived. Every PublishResult has an answer when Close returns: the id of the message,
// the error of the service, or an error that says that Close came first. Messages that failed before Close are
// not counted, since their results have told.
//
// # Clients
//
// Publish with [Publisher] and receive with [Subscriber]. Once the program has the client, Close also waits until
// nothing has been published for 100ms, for publishers that are made from it, and counts what fails of these. What
// such a publisher still holds back, for more messages or for a longer delay than the driver's 10ms, is the
// program's, as is a Receive of its own: it has to return before Close. A client connects again by itself within four
// seconds after the service is back.
package pubsub
