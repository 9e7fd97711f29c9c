package configs

import (
	"net"
	"strconv"
)

// NoAdmin is the [Admin.Address] of a server that nobody looks into.
const NoAdmin = "none"

// Admin is where metrics, probes and profiles are served.
type Admin struct {
	// Address is host:port, or [NoAdmin].
	Address string `env:"ADMIN_ADDR" envDefault:"127.0.0.1:3003" allowed:"host:port, where port 0 takes any free one, or none"`
}

// problems returns what is wrong, also beside the doors that the rest of the server has.
func (a *Admin) problems(doors *HTTP) []Problem {
	if a.Address == NoAdmin {
		return nil
	}
	host, port, err := net.SplitHostPort(a.Address)
	if number, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || tagRules.Var(host, "hostname_rfc1123|ip") != nil {
		return []Problem{variableOf(a, "Address").problem(a.Address)}
	} else if number != 0 && (int(number) == doors.Port || doors.WebSocketEnabled && int(number) == doors.WebSocketPort) {
		return []Problem{{"ADMIN_ADDR", a.Address, "must have another port than PORT and WEBSOCKET_PORT"}}
	}
	if !isLoopback(host) && doors.APIKey == "" && !doors.AllowUnauthenticated {
		return []Problem{{
			"ADMIN_ADDR", a.Address,
			"is reachable beyond this machine: set API_KEY, which is asked for there too, or ALLOW_UNAUTHENTICATED=true to show anyone",
		}}
	}
	return nil
}
