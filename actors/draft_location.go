package actors

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// Location is a draft of a place on the map.
type Location struct {
	// Latitude and Longitude are in degrees.
	Latitude, Longitude float64
	Name, Address, URL  string
}

func (l Location) compose(context.Context, *composition) (*waE2E.Message, error) {
	if err := checkPlace("message.location", l.Latitude, l.Longitude); err != nil {
		return nil, err
	}
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		DegreesLatitude: &l.Latitude, DegreesLongitude: &l.Longitude,
		Name: optional(l.Name), Address: optional(l.Address), URL: optional(l.URL),
	}}, nil
}

// LiveLocation is a draft of where somebody is who shares that for a while. Another
// one with a higher Sequence tells the next place.
type LiveLocation struct {
	// Latitude and Longitude are in degrees.
	Latitude, Longitude float64
	// Accuracy is in meters, Speed in meters a second, Heading in degrees clockwise
	// from north; zero says nothing.
	Accuracy uint32
	Speed    float32
	Heading  uint32
	Caption  string
	Sequence int64
}

func (l LiveLocation) compose(context.Context, *composition) (*waE2E.Message, error) {
	if err := checkPlace("message.liveLocation", l.Latitude, l.Longitude); err != nil {
		return nil, err
	}
	live := &waE2E.LiveLocationMessage{
		DegreesLatitude: &l.Latitude, DegreesLongitude: &l.Longitude,
		Caption: optional(l.Caption), SequenceNumber: &l.Sequence,
	}
	if l.Accuracy > 0 {
		live.AccuracyInMeters = &l.Accuracy
	}
	if l.Speed > 0 {
		live.SpeedInMps = &l.Speed
	}
	if l.Heading > 0 {
		live.DegreesClockwiseFromMagneticNorth = &l.Heading
	}
	return &waE2E.Message{LiveLocationMessage: live}, nil
}

func checkPlace(field string, latitude, longitude float64) error {
	switch {
	case !(latitude >= -90 && latitude <= 90):
		return wrongField(field+".latitude", "must be from -90 to 90 degrees")
	case !(longitude >= -180 && longitude <= 180):
		return wrongField(field+".longitude", "must be from -180 to 180 degrees")
	default:
		return nil
	}
}

// optional leaves out what is empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return proto.String(text)
}
