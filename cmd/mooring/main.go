// Command mooring says what a program built on Mooring would find: it reads the environment as the backends do, tries
// each that is configured step by step, and says what is wrong and what to do about it. It shows the address, the
// database and the user that it has understood, and no other value of a variable.
//
//	mooring doctor                      examine every backend that the environment configures, or seems meant to
//	mooring doctor mysql mysql-replica  examine these instances, configured or not
//	mooring wait 60s                    examine until all are well, as an init container does
//	mooring probe URL                   be the health check of a container without a shell
//	mooring env                         list every variable
//
// Install it with
//
//	go install github.com/vibework/mooring/cmd/mooring@latest
//
// The steps are resolve (the name of the host), connect (TCP), authenticate (TLS, the login, and a first question)
// and check (what a readiness probe asks). Those after a step that fails are not tried. The name of an instance
// begins or ends with that of its backend: mysql-replica, reports-mysql.
//
// A variable that is misspelt, so that nothing reads it, makes its backend one to examine: if nothing else says where
// that is, the configuration is wrong; otherwise it is a warning. GOOGLE_CLOUD_PROJECT and GCLOUD_PROJECT are set for
// many programs, so they alone do not configure Pub/Sub.
//
// PostgreSQL is a module of its own, so this command says only that it is configured; the one of that module examines
// it, too:
//
//	go install github.com/vibework/mooring/backends/postgres/cmd/mooring@latest
//
// The exit status is 0 if all is well, warnings such as a full connection pool included; 1 if a backend, or the URL,
// is not, or the output cannot be written; and 2 if it is the command line or the configuration that is wrong, at any
// step, or nothing is configured.
package main

import "github.com/vibework/mooring/internal/command"

func main() { command.Main() }
