package all_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/mysqltest"
)

// rdsIAM logs in to Amazon RDS and Aurora with a token of IAM. build is auth.BuildAuthToken of
// github.com/aws/aws-sdk-go-v2/feature/rds/auth, and credentials are those of the SDK's aws.Config.
func rdsIAM[C, O any](
	build func(ctx context.Context, endpoint, region, user string, credentials C, options ...O) (string, error),
	endpoint, region, user string, credentials C,
) mysql.Option {
	return mysql.WithCredentials(func(ctx context.Context) (string, config.Secret, error) {
		token, err := build(ctx, endpoint, region, user, credentials)
		return user, config.NewSecret(token), err
	})
}

// cloudSQLIAM logs in to Cloud SQL with an access token of IAM: AccessToken of what Token returns of
// google.DefaultTokenSource(ctx, "https://www.googleapis.com/auth/sqlservice.login"), in golang.org/x/oauth2/google.
func cloudSQLIAM(user string, accessToken func() (string, error)) mysql.Option {
	return mysql.WithCredentials(func(context.Context) (string, config.Secret, error) {
		token, err := accessToken()
		return user, config.NewSecret(token), err
	})
}

// elastiCacheIAM logs in to ElastiCache and MemoryDB with a token of IAM. presign returns the URL that PresignHTTP of
// github.com/aws/aws-sdk-go-v2/aws/signer/v4 makes of GET http://cluster/?Action=connect&User=user, with
// X-Amz-Expires=900 and the service elasticache; the token is that URL without its scheme.
func elastiCacheIAM(user string, presign func(context.Context) (string, error)) redis.Option {
	return redis.WithCredentials(func(ctx context.Context) (string, config.Secret, error) {
		url, err := presign(ctx)
		return user, config.NewSecret(strings.TrimPrefix(url, "http://")), err
	})
}

// vault logs in as a user that Vault has made. read returns Data of what Logical().ReadWithContext of
// github.com/hashicorp/vault/api has read, once for a lease and not for each connection: at database/creds/app, say.
func vault(read func(ctx context.Context) (data map[string]any, err error)) mysql.Option {
	return mysql.WithCredentials(func(ctx context.Context) (string, config.Secret, error) {
		data, err := read(ctx)
		user, named := data["username"].(string)
		password, known := data["password"].(string)
		if err == nil && (!named || !known) {
			err = errors.New("the secret has no username or no password")
		}
		return user, config.NewSecret(password), err
	})
}

func TestTheRecipesForTokensLogIn(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "token"})
	cfg := mysql.Config{Host: server.Addr()}
	build := func(_ context.Context, _, _, _ string, token string, _ ...func()) (string, error) { return token, nil }
	for name, login := range map[string]mysql.Option{
		"RDS":       rdsIAM(build, server.Addr(), "eu-west-1", "app", "token"),
		"Cloud SQL": cloudSQLIAM("app", func() (string, error) { return "token", nil }),
		"Vault": vault(func(context.Context) (map[string]any, error) {
			return map[string]any{"username": "app", "password": "token"}, nil
		}),
	} {
		res := mysql.New("mysql", mysql.WithConfig(cfg), login)
		if err := errors.Join(res.Open(t.Context()), res.Close(t.Context())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := func(context.Context) (map[string]any, error) { return nil, nil }
	if err := mysql.New("mysql", mysql.WithConfig(cfg), vault(empty)).Open(t.Context()); err == nil {
		t.Error("a secret of Vault without a password logs in")
	}
	cache := miniredis.RunT(t)
	cache.RequireUserAuth("app", "cluster/?Action=connect")
	login := elastiCacheIAM("app", func(context.Context) (string, error) { return "http://cluster/?Action=connect", nil })
	res := redis.New("redis", redis.WithConfig(redis.Config{Host: cache.Addr()}), login)
	if err := errors.Join(res.Open(t.Context()), res.Close(t.Context())); err != nil {
		t.Errorf("ElastiCache: %v", err)
	}
}
