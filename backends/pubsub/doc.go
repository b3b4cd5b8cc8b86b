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
// PUBSUB_CREDENTIALS_FILE names, or else Google's application default credentials, which are the file that
// GOOGLE_APPLICATION_CREDENTIALS names, those of gcloud, or those of the machine. With PUBSUB_EMULATOR_HOST,
// such as 127.0.0.1:8085, there are no credentials, and the project is "emulator" unless it is set. Every
// variable is a field of [Config]. A second instance is registry.Register(pubsub.New("pubsub-eu")); it reads
// PUBSUB_EU_*, and PUBSUB_EMULATOR_HOST does not redirect it.
//
// # Open, check, close
//
// Open connects and does what Check does. Check asks for a topic that need not exist: that it is not there is an
// answer, too, and so is that the credentials may not look, which is logged once as a warning. Every other refusal
// is a failure that says what to do: an API that is off, billing, a project that is not there, a scope, a quota
// project, a perimeter. A topic that PUBSUB_CHECK_TOPIC names has to exist and to be seen: if it is not there, the
// kind is KindConfig. An emulator forgets its topics when it restarts.
//
// Close stops and flushes all publishers at the same time, until its context is about to end, and then cuts
// what is left. Its error counts the messages that were accepted and that the service has not confirmed: these
// may be lost, or may have arrived. Every PublishResult has an answer when Close returns: the id of the message,
// the error of the service, or an error that says that Close came first. Messages that failed before Close are
// not counted, since their results have told.
//
// # Clients
//
// Publish with [Publisher]: Close does not flush publishers that are made from the client, and what they have
// not sent is lost. Receive with the client, and let Receive return before Close. A client connects again by
// itself within four seconds after the service is back.
package pubsub
