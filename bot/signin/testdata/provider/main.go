// Command provider is an OpenID Connect provider for the tests of signing in:
// the certified library of another team, with users from a file. It is a
// module of its own, so that nothing of it gets into the program.
//
//	provider USERS REDIRECT
//
// USERS is a JSON file, read at each sign-in: user name -> {"password", "name",
// "groups"}. REDIRECT is the address to send people back to. It prints its
// issuer and serves until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: provider USERS REDIRECT")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	issuer := fmt.Sprintf("http://%s/", l.Addr())
	storage.RegisterClients(storage.WebClient("tilldesk", "a secret of the provider", os.Args[2]))
	all := users{os.Args[1]}
	store := &withGroups{storage.NewStorage(all), all}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(issuer)
	log.Fatal(http.Serve(l, exampleop.SetupServer(issuer, store, slog.New(slog.DiscardHandler), false)))
}

// users are who can sign in.
type users struct{ file string }

type user struct {
	Password string   `json:"password"`
	Name     string   `json:"name"`
	Groups   []string `json:"groups"`
}

func (u users) read(name string) (user, error) {
	data, err := os.ReadFile(u.file)
	if err != nil {
		return user{}, err
	}
	var all map[string]user
	if err := json.Unmarshal(data, &all); err != nil {
		return user{}, err
	}
	one, ok := all[name]
	if !ok {
		return user{}, errors.New("no such user")
	}
	return one, nil
}

func (u users) GetUserByID(id string) *storage.User { return u.GetUserByUsername(id) }

func (u users) GetUserByUsername(name string) *storage.User {
	one, err := u.read(name)
	if err != nil {
		return nil
	}
	return &storage.User{ID: name, Username: one.Name, Password: one.Password}
}

func (u users) ExampleClientID() string { return "service" }

// withGroups says of users which groups they are in, as many providers do.
type withGroups struct {
	*storage.Storage
	users users
}

func (s *withGroups) add(info *oidc.UserInfo, id string) error {
	one, err := s.users.read(id)
	if err == nil {
		info.AppendClaims("groups", one.Groups)
	}
	return err
}

func (s *withGroups) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, token op.IDTokenRequest, scopes []string) error {
	return s.Storage.SetUserinfoFromRequest(ctx, info, token, scopes) // the groups are for the UserInfo endpoint alone
}

func (s *withGroups) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin); err != nil {
		return err
	}
	return s.add(info, subject)
}
