package main

import (
	"context"

	"github.com/vibework/mooring/lab/internal/wire"
)

// led is a scene in which the address of a server leads to another one all of a sudden.
func led(from, to string) (*scene, *wire.Port, error) {
	p, err := wire.Listen("127.0.0.1:0", from)
	if err != nil {
		return nil, nil, err
	}
	lead := func(upstream string) func(context.Context) error {
		return func(context.Context) error {
			p.Lead(upstream)
			return nil
		}
	}
	return &scene{target: target{addr: p.Addr()}, begin: lead(to), end: lead(from), close: p.Close}, p, nil
}

// changePassword leads to a server that has another password.
func changePassword(_ context.Context, _ *world, b *backend) (*scene, error) {
	s, _, err := led(b.server.Addr, b.secure.plain)
	if err != nil {
		return nil, err
	}
	s.target.password = b.server.Password
	return s, nil
}

// changeAuthority has the server present another certificate.
func changeAuthority(_ context.Context, _ *world, b *backend) (*scene, error) {
	s, _, err := led(b.secure.addr, b.secure.addr)
	if err != nil {
		return nil, err
	}
	s.target.password, s.target.caFile = b.secure.password, b.secure.trusted.CertFile
	cut := s.begin
	present := func(cert *wire.Certificate) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := b.secure.present(ctx, cert); err != nil {
				return err
			}
			return cut(ctx)
		}
	}
	s.begin, s.end = present(b.secure.unknown), present(b.secure.trusted)
	return s, nil
}

// loseTLS leads from a server that has TLS to one that has not.
func loseTLS(_ context.Context, _ *world, b *backend) (*scene, error) {
	s, _, err := led(b.secure.addr, b.server.Addr)
	if err != nil {
		return nil, err
	}
	s.target.password, s.target.caFile = b.secure.password, b.secure.trusted.CertFile
	return s, nil
}
