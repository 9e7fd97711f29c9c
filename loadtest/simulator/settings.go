package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Settings are how the service treats all its clients. They begin as the options have them, and can be changed at any
// time.
type Settings struct {
	// CloseGrace is the time between a stream error or failure and the close. Zero is a race that clients may lose.
	CloseGrace time.Duration
	// HandshakeDelay is how long the service stays silent after the handshake.
	HandshakeDelay time.Duration
	// PreKeyCount answers a device's first question for its number of prekeys, 0 to 4. Zero is the honest answer.
	PreKeyCount int
}

func (o Options) settings() *Settings {
	return &Settings{CloseGrace: max(o.CloseGrace, 0), HandshakeDelay: o.HandshakeDelay, PreKeyCount: o.PreKeyCount}
}

// ErrBadSettings is the refusal of settings that mean nothing.
var ErrBadSettings = errors.New("bad settings")

func (v Settings) validate() error {
	switch {
	case v.CloseGrace < 0 || v.CloseGrace > maxSettingTime:
		return fmt.Errorf("%w: close grace %v: want none to %v", ErrBadSettings, v.CloseGrace, maxSettingTime)
	case v.HandshakeDelay < 0 || v.HandshakeDelay > maxSettingTime:
		return fmt.Errorf("%w: handshake delay %v: want none to %v", ErrBadSettings, v.HandshakeDelay, maxSettingTime)
	case v.PreKeyCount < 0 || v.PreKeyCount > maxFirstCount:
		return fmt.Errorf("%w: prekey count %d: want 0 to %d, more would stop the first upload", ErrBadSettings, v.PreKeyCount, maxFirstCount)
	}
	return nil
}

const (
	// maxSettingTime is longer than any client waits.
	maxSettingTime = time.Hour
	// maxFirstCount is the highest count at which whatsmeow still uploads prekeys.
	maxFirstCount = 4
)

// Settings tells what is in force.
func (s *Simulator) Settings() Settings { return *s.settings.Load() }

// SetSettings changes how clients are treated from now on, until [Simulator.Reset].
func (s *Simulator) SetSettings(v Settings) error {
	if err := v.validate(); err != nil {
		return err
	}
	s.settings.Store(&v)
	return nil
}

// clientSettingsBody changes the settings that it holds.
type clientSettingsBody struct {
	CloseGraceMS     *int64 `json:"closeGraceMs,omitempty" doc:"between a stream error or failure and the close"`
	HandshakeDelayMS *int64 `json:"handshakeDelayMs,omitempty" doc:"of silence after the handshake"`
	PreKeyCount      *int   `json:"preKeyCount,omitempty" doc:"that a new device is told to have, 0 to 4"`
}

// clientSettingsView are the settings in force.
type clientSettingsView struct {
	CloseGraceMS     int64 `json:"closeGraceMs"`
	HandshakeDelayMS int64 `json:"handshakeDelayMs"`
	PreKeyCount      int   `json:"preKeyCount"`
}

func (v Settings) view() clientSettingsView {
	return clientSettingsView{v.CloseGrace.Milliseconds(), v.HandshakeDelay.Milliseconds(), v.PreKeyCount}
}

func (s *Simulator) controlClientSettings(*http.Request, none) (clientSettingsView, error) {
	return s.Settings().view(), nil
}

func (s *Simulator) controlSetClientSettings(_ *http.Request, body clientSettingsBody) (clientSettingsView, error) {
	v := s.Settings()
	for field, given := range map[*time.Duration]*int64{&v.CloseGrace: body.CloseGraceMS, &v.HandshakeDelay: body.HandshakeDelayMS} {
		if given != nil {
			*field = time.Duration(*given) * time.Millisecond
		}
	}
	if body.PreKeyCount != nil {
		v.PreKeyCount = *body.PreKeyCount
	}
	return v.view(), s.SetSettings(v)
}
