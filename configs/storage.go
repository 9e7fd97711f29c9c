package configs

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"strconv"
)

// The storage engines that [Storage.Type] may hold.
const (
	SQLiteStorage   = "sqlite"
	MemoryStorage   = "memory"
	FileStorage     = "file"
	RedisStorage    = "redis"
	PostgresStorage = "postgres"
	MongoDBStorage  = "mongodb"
)

// Storage is where durable records live, and where on this machine.
type Storage struct {
	// Type is one of the storage engines.
	Type string `env:"STORAGE_TYPE" envDefault:"sqlite" validate:"oneof=sqlite memory file redis postgres mongodb" allowed:"sqlite, memory, file, redis, postgres or mongodb"`

	// SQLitePath is the database file; it is created where it does not exist.
	SQLitePath string `env:"SQLITE_DB_PATH" envDefault:"./db/whatsapp.db" validate:"required" allowed:"the path of a file"`

	// FilePath is the folder of the file engine; it is created where it does not exist.
	FilePath string `env:"FILE_STORAGE_PATH" envDefault:"./auth_data" validate:"required" allowed:"the path of a folder"`
}

// Redis is where the redis engine finds its server.
type Redis struct {
	// URL wins over all that follows.
	URL Secret `env:"REDIS_URL" envDefault:"" allowed:"a redis:// or rediss:// URL with a host, or empty"`

	Host     string `env:"REDIS_HOST" envDefault:"localhost" validate:"hostname_rfc1123|ip" allowed:"a host name or an IP address"`
	Port     int    `env:"REDIS_PORT" envDefault:"6379" validate:"min=1,max=65535" allowed:"a whole number from 1 to 65535"`
	Password Secret `env:"REDIS_PASSWORD" envDefault:"" allowed:"any text, or empty"`
	DB       int    `env:"REDIS_DB" envDefault:"0" validate:"min=0" allowed:"a whole number from 0"`

	// AllowLoss starts also on settings that lose writes at a power failure.
	AllowLoss bool `env:"REDIS_ALLOW_LOSS" envDefault:"false" allowed:"true or false"`
}

// Address returns the URL of the server, with its password.
func (r *Redis) Address() Secret {
	u := url.URL{Scheme: "redis", Host: net.JoinHostPort(r.Host, strconv.Itoa(r.Port)), Path: "/" + strconv.Itoa(r.DB)}
	if r.Password != "" {
		u.User = url.UserPassword("", r.Password.Reveal())
	}
	return cmp.Or(r.URL, Secret(u.String()))
}

func (r *Redis) problems() []Problem {
	if r.URL == "" || isServer(r.URL, "redis", "rediss") {
		return nil
	}
	return []Problem{variableOf(r, "URL").problem("")}
}

// Postgres is where the postgres engine finds its database.
type Postgres struct {
	// URL wins over all that follows.
	URL Secret `env:"POSTGRES_URL" envDefault:"" allowed:"a postgres:// or postgresql:// URL with a host, or empty"`

	Host     string `env:"POSTGRES_HOST" envDefault:"localhost" validate:"hostname_rfc1123|ip" allowed:"a host name or an IP address"`
	Port     int    `env:"POSTGRES_PORT" envDefault:"5432" validate:"min=1,max=65535" allowed:"a whole number from 1 to 65535"`
	DB       string `env:"POSTGRES_DB" envDefault:"whatsapp_auth" validate:"required" allowed:"the name of a database"`
	User     string `env:"POSTGRES_USER" envDefault:"postgres" validate:"required" allowed:"the name of a user"`
	Password Secret `env:"POSTGRES_PASSWORD" envDefault:"" allowed:"any text, or empty"`

	// AllowLoss starts also on settings that lose writes at a power failure.
	AllowLoss bool `env:"POSTGRES_ALLOW_LOSS" envDefault:"false" allowed:"true or false"`
}

// Address returns the URL of the database, with its password.
func (p *Postgres) Address() Secret {
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(p.Host, strconv.Itoa(p.Port)), Path: "/" + p.DB, User: url.User(p.User)}
	if p.Password != "" {
		u.User = url.UserPassword(p.User, p.Password.Reveal())
	}
	return cmp.Or(p.URL, Secret(u.String()))
}

func (p *Postgres) problems() []Problem {
	if p.URL == "" || isServer(p.URL, "postgres", "postgresql") {
		return nil
	}
	return []Problem{variableOf(p, "URL").problem("")}
}

// MongoDB is where the mongodb engine finds its database.
type MongoDB struct {
	URL Secret `env:"MONGODB_URL" envDefault:"" allowed:"a mongodb:// or mongodb+srv:// URL, or empty"`

	// AllowLoss starts also on settings that lose writes at a power failure.
	AllowLoss bool `env:"MONGODB_ALLOW_LOSS" envDefault:"false" allowed:"true or false"`
}

// defaultMongoDB is what an empty URL means.
const defaultMongoDB = "mongodb://localhost:27017/whatsapp_auth"

// Address returns the URL of the database, with its password.
func (m *MongoDB) Address() Secret { return cmp.Or(m.URL, defaultMongoDB) }

func (m *MongoDB) problems() []Problem {
	if m.URL == "" || isServer(m.URL, "mongodb", "mongodb+srv") {
		return nil
	}
	return []Problem{variableOf(m, "URL").problem("")}
}

// isServer reports whether address is a URL of one of these schemes that names a
// host. The rest is for the driver to judge, which knows all parameters.
func isServer(address Secret, schemes ...string) bool {
	u, err := url.Parse(address.Reveal())
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}
