package registrytest

// A rule is one sentence of the contract, and how to find out whether a resource keeps it.
type rule struct {
	name   string
	reason string // why a program needs it
	needs  need
	try    func(*trial) error // returns how the resource breaks it; a breach need not be returned
}

// need is what a rule needs of its target.
type need int

const (
	nothing need = iota
	network
	secret
)

func (n need) in(t Target) bool {
	switch n {
	case network:
		return t.At != nil
	case secret:
		return t.Secret != ""
	default:
		return true
	}
}

// rules is the contract.
var rules = []rule{
	{
		"the name is valid and constant",
		"reports, logs and variables know a resource by its name alone",
		nothing, nameIsConstant,
	},
	{
		"open, check and close succeed",
		"nil from Open means that requests may come, and an error of Close that something was lost",
		nothing, openCheckClose,
	},
	{
		"check before open is ErrNotOpen",
		"errors.Is(err, ErrNotOpen) tells what was never opened from what is broken",
		nothing, checkBeforeOpen,
	},
	{
		"check after close is ErrNotOpen",
		"a probe that comes late must see a program that is stopping, not a broken backend",
		nothing, checkAfterClose,
	},
	{
		"close before open is nil",
		"a start that fails half-way closes everything, whether or not it was opened",
		nothing, closeBeforeOpen,
	},
	{
		"close again is nil",
		"a deferred Close and a CloseAll meet in many programs, also at the same time",
		nothing, closeAgain,
	},
	{
		"open again after close",
		"OpenAll after CloseAll opens the same resources again",
		nothing, openAgainAfterClose,
	},
	{
		"checks run at the same time",
		"programs check a resource of their own while the registry does",
		nothing, checksTogether,
	},
	{
		"check runs while open and close do",
		"probes do not stop when a program starts or stops",
		nothing, checkDuringOpenAndClose,
	},
	{
		"open with a done context fails",
		"who cancels a start has left: nobody is there to close what opens now",
		nothing, openWhenDone,
	},
	{
		"check with a done context does no harm",
		"an impatient caller must not make a healthy backend look broken to the next",
		nothing, checkWhenDone,
	},
	{
		"close with a done context closes",
		"a shutdown that is late must be hasty, and must leave nothing behind all the same",
		nothing, closeWhenDone,
	},
	{
		"the context of open may end",
		"it bounds the opening only: OpenAll ends it as soon as everything is open",
		nothing, openContextEnds,
	},
	{
		"close leaves nothing behind",
		"what is left keeps a server's connections busy and the memory of everything it refers to",
		nothing, nothingAfterClose,
	},
	{
		"constructing and configuring are inert",
		"resources are made by importing a package, also in programs that never open them",
		network, constructingIsInert,
	},
	{
		"open of a closed port fails soon",
		"OpenAll tries again what time may mend, if it learns what is wrong while there is time left",
		network, openRefused,
	},
	{
		"open of a server that resets fails soon",
		"a server that is starting, or a load balancer without one, resets: trying again mends it",
		network, openReset,
	},
	{
		"open of a silent server ends with its deadline",
		"firewalls drop packets; without an end in time the rest of a program never starts or stops",
		network, openSilent,
	},
	{
		"open of a silent server ends when cancelled",
		"SIGTERM during a start must not have to wait for time-outs",
		network, openSilentCancelled,
	},
	{
		"open of a server of another kind fails",
		"a wrong port must come to light at the start, not with the first request",
		network, openStranger,
	},
	{
		"a failed open leaves nothing behind",
		"OpenAll tries many times: what every attempt leaves fills the server with dead connections",
		network, nothingAfterFailedOpen,
	},
	{
		"open again after it failed",
		"OpenAll tries the same resource again until its server is there",
		network, openAgainAfterFailure,
	},
	{
		"check of a frozen server ends with its deadline",
		"a check that outlives its context is called hung, which hides what is wrong",
		network, checkFrozen,
	},
	{
		"check of a frozen server ends when cancelled",
		"CloseAll cancels the checks under way and waits a tenth of a second for them",
		network, checkFrozenCancelled,
	},
	{
		"check does not wait for an open or close of a frozen server",
		"a probe must not hang for as long as a start or a shutdown does",
		network, checkDuringFrozenOpenAndClose,
	},
	{
		"check heals after a cut connection",
		"load balancers and servers cut idle connections every day; that is no outage",
		network, healsAfterCut,
	},
	{
		"check fails while the server is away and heals when it is back",
		"nobody calls Open again after a restart of the server: the client has to find it by itself",
		network, healsAfterOutage,
	},
	{
		"check does not retry in a loop",
		"a fleet of programs that hammer a server keep it from coming back",
		network, checkDoesNotHammer,
	},
	{
		"close of a frozen server ends with its context",
		"a shutdown that waits for a dead server is killed, and then loses what was still to be closed",
		network, closeFrozen,
	},
	{
		"close does not wait for a check of a frozen server",
		"a shutdown must not depend on a check that has lost its server",
		network, closeDuringFrozenCheck,
	},
	{
		"nothing shows the secret",
		"logs and reports are read by many, and copied further",
		secret, nothingShowsTheSecret,
	},
}
