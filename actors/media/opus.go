package media

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/pion/opus"
	"github.com/pion/opus/pkg/oggreader"
)

const (
	opusRate = 48_000 // granules a second, whatever was recorded (RFC 7845, section 4)

	waveformBars = 64  // as WhatsApp's clients send
	waveformTop  = 100 // of the loudest bar

	// packetsPerBar bounds how much of a long recording is decoded: half a second of
	// the usual packets, which shows how loud it is there.
	packetsPerBar = 25

	// maxOpusSamples are in the longest packet, 120 ms.
	maxOpusSamples = opusRate * 120 / 1000
)

var opusTags = []byte("OpusTags")

// isOpus tells Opus from what else an Ogg file may hold.
func isOpus(file io.Reader) bool {
	_, _, err := oggreader.NewWith(file)
	return err == nil
}

// opus tells how long a recording is, and how loud.
func (d *Description) opus(file *File, waveform bool) error {
	packets, samples, err := count(file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	d.Seconds = uint32((samples + opusRate - 1) / opusRate)
	if waveform {
		d.Waveform = loudness(file, packets)
	}
	return nil
}

// count reads through a recording: the last page says how many samples there are,
// those before the beginning included.
func count(file *File) (packets int, samples uint64, err error) {
	reader, header, err := oggreader.NewWith(bufio.NewReader(file.Reader()))
	if err != nil {
		return 0, 0, err
	}
	end, preSkip := uint64(0), uint64(header.PreSkip)
	err = eachPacket(reader, func(_ []byte, granule uint64) {
		packets++
		if granule != math.MaxUint64 && granule > end { // all ones: no packet ends on the page
			end = granule
		}
	})
	if err == nil && packets == 0 {
		err = errors.New("no sound in it")
	}
	return packets, min(end-min(end, preSkip), math.MaxInt32*opusRate), err
}

// eachPacket calls visit for each packet of sound that is left.
func eachPacket(reader *oggreader.OggReader, visit func(packet []byte, granule uint64)) error {
	for {
		packet, page, err := reader.ParseNextPacket()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(packet, opusTags) {
			visit(packet, page.GranulePosition)
		}
	}
}

// loudness decodes parts of a recording; nil where they cannot be decoded, since a
// note plays without.
func loudness(file *File, packets int) (bars []byte) {
	defer func() {
		if recover() != nil { // a decoder that meets a file made against it
			bars = nil
		}
	}()
	reader, _, err := oggreader.NewWith(bufio.NewReader(file.Reader()))
	if err != nil {
		return nil
	}
	decoder, err := opus.NewDecoderWithOutput(opusRate, 1)
	if err != nil {
		return nil
	}
	meter := meter{decoder: &decoder, packets: packets, samples: make([]float32, maxOpusSamples)}
	if err := eachPacket(reader, func(packet []byte, _ uint64) { meter.hear(packet) }); err != nil {
		return nil
	}
	return meter.bars()
}

// meter sums up the energy of a recording in as many parts as there are bars.
type meter struct {
	decoder *opus.Decoder
	packets int // altogether
	heard   int
	samples []float32
	energy  [waveformBars]float64
	weight  [waveformBars]int
	taken   [waveformBars]int // packets
}

func (m *meter) hear(packet []byte) {
	bar := m.heard * waveformBars / m.packets
	m.heard++
	if bar >= waveformBars || m.taken[bar] >= packetsPerBar {
		return
	}
	m.taken[bar]++
	n, err := m.decoder.DecodeToFloat32(packet, m.samples)
	if err != nil {
		return // a lost packet is silence to a phone too
	}
	for _, sample := range m.samples[:n] {
		m.energy[bar] += float64(sample) * float64(sample)
	}
	m.weight[bar] += n
}

// bars scales the parts to the loudest; a note of fewer packets than bars repeats
// the last it has.
func (m *meter) bars() []byte {
	loud, top, last := [waveformBars]float64{}, 0.0, 0.0
	for i := range loud {
		if m.weight[i] > 0 {
			last = math.Sqrt(m.energy[i] / float64(m.weight[i]))
		}
		loud[i] = last
		top = max(top, last)
	}
	bars := make([]byte, waveformBars)
	for i := range bars {
		if top > 0 {
			bars[i] = byte(math.Round(loud[i] / top * waveformTop))
		}
	}
	return bars
}
