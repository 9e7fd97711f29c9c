package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

const (
	// defaultDatabase is used where the URL names none.
	defaultDatabase = "whatsapp_auth"
	// connectTimeout is how long a server may take to be found and to answer at
	// start, and how long a call looks for one later.
	connectTimeout = 5 * time.Second
)

// address is what a URL says.
type address struct {
	hosts    string // for messages: without user and password
	database string
	options  *options.ClientOptions
}

// parseURL takes a URL apart. Its errors don't quote it: it may hold a password.
func parseURL(url string, allowLoss bool) (address, error) {
	parsed, err := connstring.ParseAndValidate(url)
	if errors.As(err, new(*net.DNSError)) {
		return address{}, errors.New("the host of the URL has no records of MongoDB servers")
	}
	if err != nil {
		return address{}, errors.New("the URL is not of the form mongodb://[user:password@]host[:port]/database?options, or has options that don't go together")
	}
	if !allowLoss && losesWrites(parsed) {
		return address{}, errors.New("the URL asks for a write concern weaker than w=majority and journal=true, which loses confirmed writes: " +
			"leave it out, or set MONGODB_ALLOW_LOSS=true")
	}
	client := options.Client().ApplyURI(url).
		SetAppName("whatsapp-web-server").
		SetRetryWrites(false). // an update that was not confirmed is found out about by reading
		SetReadPreference(readpref.Primary())
	if !parsed.ServerSelectionTimeoutSet {
		client.SetServerSelectionTimeout(connectTimeout)
	}
	if !parsed.ConnectTimeoutSet {
		client.SetConnectTimeout(connectTimeout)
	}
	return address{
		hosts:    strings.Join(parsed.Hosts, ", "),
		database: cmp.Or(parsed.Database, defaultDatabase),
		options:  client.SetWriteConcern(concern(parsed)),
	}, nil
}

// losesWrites tells whether a write concern of the URL's own is weaker than ours.
func losesWrites(url *connstring.ConnString) bool {
	return url.WNumberSet || url.WString != "" && url.WString != writeconcern.WCMajority || url.JSet && !url.J
}

// concern is confirmation by a majority and their journals, unless the URL, as it
// was allowed to, says otherwise.
func concern(url *connstring.ConnString) *writeconcern.WriteConcern {
	journal := !url.JSet || url.J
	strict := &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}
	switch {
	case url.WNumberSet:
		strict.W = url.WNumber
	case url.WString != "":
		strict.W = url.WString
	}
	return strict
}

// connect finds the server and asks what it is.
func (db *DB) connect(ctx context.Context, at address) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	client, err := mongo.Connect(at.options)
	if err != nil {
		return errors.New("the URL has options that don't go together")
	}
	db.client, db.data = client, client.Database(at.database)
	var server struct {
		FerretDB string `bson:"ferretdbVersion"`
	}
	if err := db.data.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&server); err != nil {
		return fmt.Errorf("%s: %s", at.hosts, whyNot(err))
	}
	db.ferret = server.FerretDB != ""
	return nil
}

// authenticationFailed is one of MongoDB's error codes.
const authenticationFailed = 18

// whyNot says in words of ours why a server cannot be used. The driver's own tell
// the state of every connection there ever was.
func whyNot(err error) string {
	refused := slices.Contains(codes(err), authenticationFailed) || strings.Contains(err.Error(), "auth error")
	switch {
	case refused:
		return "the server refuses the user or the password of the URL"
	case mongo.IsTimeout(err), mongo.IsNetworkError(err):
		return "no MongoDB server answers there"
	default:
		return err.Error()
	}
}

func codes(err error) []int {
	if server, ok := errors.AsType[mongo.ServerError](err); ok {
		return server.ErrorCodes()
	}
	return nil
}
