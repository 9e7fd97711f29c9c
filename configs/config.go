package configs

// Config is everything the process is told from outside.
type Config struct {
	Env        Env
	HTTP       HTTP
	Admin      Admin
	Storage    Storage
	Redis      Redis
	Postgres   Postgres
	MongoDB    MongoDB
	Cluster    Cluster
	Encryption Encryption
	Outbound   Outbound
	Events     Events
	Media      Media
	Sinks      Sinks
	WhatsApp   WhatsApp
}

// sections lists the parts of the configuration in the order in which their
// problems are told.
func (c *Config) sections() []any {
	return []any{&c.Env, &c.HTTP, &c.Admin, &c.Storage, &c.Redis, &c.Postgres, &c.MongoDB, &c.Cluster, &c.Encryption, &c.Outbound, &c.Events, &c.Media, &c.Sinks, &c.WhatsApp}
}

// The environments that [Env.Name] may hold.
const (
	Development = "development"
	Production  = "production"
	Test        = "test"
)

// Env is the setting in which the process runs.
type Env struct {
	// Name is Development, Production or Test. APP_ENV is an alias of the variable.
	Name string `env:"NODE_ENV" envDefault:"development" validate:"oneof=development production test" allowed:"development, production or test; APP_ENV is an alias"`

	// LogLevel is the least severe level that is written.
	LogLevel string `env:"LOG_LEVEL" envDefault:"info" validate:"oneof=debug info warn error" allowed:"debug, info, warn or error"`

	// CrashLog is the file that tells what the process died of; empty means
	// crash.log beside the data of SQLite or File, and none with other storage.
	CrashLog string `env:"CRASH_LOG" envDefault:"" allowed:"the path of a file, or empty"`
}

// HTTP is where the REST and WebSocket interfaces listen, and who may use them.
type HTTP struct {
	// Host is the address that both ports are bound to.
	Host string `env:"HOST" envDefault:"localhost" validate:"hostname_rfc1123|ip" allowed:"a host name or an IP address"`

	// Port serves REST; 0 takes any free port.
	Port int `env:"PORT" envDefault:"3001" validate:"min=0,max=65535" allowed:"a whole number from 0 to 65535, 0 takes any free port"`

	// WebSocketEnabled opens WebSocketPort.
	WebSocketEnabled bool `env:"WEBSOCKET_ENABLED" envDefault:"true" allowed:"true or false"`

	// WebSocketPort serves WebSockets alone; 0 takes any free port.
	WebSocketPort int `env:"WEBSOCKET_PORT" envDefault:"3002" validate:"min=0,max=65535" allowed:"a whole number from 0 to 65535, 0 takes any free port"`

	// APIKey is the bearer token that every request must carry; empty asks for none.
	APIKey Secret `env:"API_KEY" envDefault:"" allowed:"printable ASCII characters without spaces"`

	// CORSOrigins are the web origins, beside the server's own, that may call it.
	CORSOrigins Origins `env:"CORS_ORIGINS" envDefault:"http://localhost:3000,http://localhost:5173" allowed:"a comma-separated list of scheme://host or scheme://host:port, without a path"`

	// AllowUnauthenticated permits a bind beyond loopback without an APIKey.
	AllowUnauthenticated bool `env:"ALLOW_UNAUTHENTICATED" envDefault:"false" allowed:"true or false"`
}

// WhatsApp is how the server appears on the network of WhatsApp, how eagerly it
// connects, and which network that is.
type WhatsApp struct {
	// BrowserName is shown on the phone as the name of the linked device.
	BrowserName string `env:"WA_BROWSER_NAME" envDefault:"WhatsApp Web Server" validate:"required,max=50" allowed:"1 to 50 characters"`

	// BrowserVersion is announced as the version of the linked device.
	BrowserVersion Version `env:"WA_BROWSER_VERSION" envDefault:"1.0.0" allowed:"three whole numbers x.y.z"`

	// ClientVersion overrides the version of WhatsApp Web that is announced;
	// zero leaves it to the library.
	ClientVersion Version `env:"WA_VERSION" envDefault:"" allowed:"2.3000.N, or empty"`

	// SessionTimeout is the longest way from an open socket to a ready session;
	// after it the attempt counts as failed.
	SessionTimeout Milliseconds `env:"WA_SESSION_TIMEOUT" envDefault:"60000" validate:"min=5000,max=600000" allowed:"a whole number of milliseconds from 5000 to 600000"`

	// MaxReconnectAttempts is how many attempts are made fast, before one every
	// five minutes; 0 never slows down to that.
	MaxReconnectAttempts int `env:"WA_MAX_RECONNECT_ATTEMPTS" envDefault:"5" validate:"min=0,max=1000" allowed:"a whole number from 0 to 1000, 0 has no end to the fast attempts"`

	// ConnectsPerSecond is how many connections all accounts together, of all nodes,
	// may open in a second, on average.
	ConnectsPerSecond float64 `env:"WA_CONNECTS_PER_SECOND" envDefault:"20" validate:"gt=0,max=1000" allowed:"a number above 0, up to 1000"`

	// ConnectBurst is how many of them may be opened at once after a quiet time.
	ConnectBurst int `env:"WA_CONNECT_BURST" envDefault:"40" validate:"min=1,max=10000" allowed:"a whole number from 1 to 10000"`

	// Endpoint is the WebSocket URL of another network than WhatsApp's own, such
	// as the simulator; empty means WhatsApp's own.
	Endpoint string `env:"WA_ENDPOINT" envDefault:"" allowed:"a wss:// URL, or a ws:// URL of a loopback host, without user, query and fragment"`

	// EndpointCAFile holds the certificates that vouch for Endpoint, in PEM;
	// empty means those of the system.
	EndpointCAFile string `env:"WA_ENDPOINT_CA_FILE" envDefault:"" allowed:"the path of a readable PEM file with at least one certificate"`

	// NoiseRootKey is the public key that signs the certificates of Endpoint's
	// Noise handshake. It is set exactly when Endpoint is.
	NoiseRootKey NoiseKey `env:"WA_NOISE_ROOT_KEY" envDefault:"" allowed:"64 hexadecimal digits"`
}
