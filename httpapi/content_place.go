package httpapi

import "whatsapp-web-server/actors"

type locationContent struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90" doc:"degrees" example:"52.3731"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180" doc:"degrees" example:"4.8925"`
	Name      string  `json:"name,omitempty" maxLength:"1024"`
	Address   string  `json:"address,omitempty" maxLength:"1024"`
	URL       string  `json:"url,omitempty" maxLength:"2048"`
}

func (c content) location() actors.Draft {
	if c.Location == nil {
		return nil
	}
	return actors.Location(*c.Location)
}

type liveLocationContent struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90" doc:"degrees"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180" doc:"degrees"`
	Accuracy  uint32  `json:"accuracy,omitempty" doc:"meters"`
	Speed     float32 `json:"speed,omitempty" minimum:"0" doc:"meters a second"`
	Heading   uint32  `json:"heading,omitempty" maximum:"360" doc:"degrees clockwise from north"`
	Caption   string  `json:"caption,omitempty" maxLength:"1024"`
	Sequence  int64   `json:"sequence,omitempty" minimum:"0" doc:"a higher one tells a later place"`
}

func (c content) liveLocation() actors.Draft {
	if c.LiveLocation == nil {
		return nil
	}
	return actors.LiveLocation(*c.LiveLocation)
}
