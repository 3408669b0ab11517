package photo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

// needed is what making a picture anew allocates in all, in bytes, which is
// more than it has at any time, and how long it takes.
func needed(t *testing.T, file []byte) (bytes uint64, took time.Duration, err error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	err = Reencode(io.Discard, file)
	took = time.Since(begin)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, took, err
}

// sized encodes a picture of one colour.
func sized(t *testing.T, img image.Image, as string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	if as == "jpeg" {
		err = jpeg.Encode(&b, img, nil)
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestNeeded opens the largest picture of each kind that is opened at all, and
// one that is a little larger: none needs more than 64 MB.
func TestNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("the pictures are large")
	}
	const most = 64 << 20
	rect := func(side int) image.Rectangle { return image.Rect(0, 0, side, side) }
	var worst uint64
	var slowest time.Duration
	for _, tt := range []struct {
		name, as string
		side     int // of the largest square
		make     func(image.Rectangle) image.Image
	}{
		{"JPEG", "jpeg", 5000, func(r image.Rectangle) image.Image { return image.NewYCbCr(r, image.YCbCrSubsampleRatio420) }},
		{"grey JPEG", "jpeg", 5000, func(r image.Rectangle) image.Image { return image.NewGray(r) }},
		{"PNG of colours", "png", 3510, func(r image.Rectangle) image.Image { return image.NewNRGBA(r) }},
		{"PNG with a palette", "png", 5000, func(r image.Rectangle) image.Image { return image.NewPaletted(r, palette.WebSafe) }},
		{"PNG of many colours", "png", 2482, func(r image.Rectangle) image.Image { return image.NewNRGBA64(r) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, took, err := needed(t, sized(t, tt.make(rect(tt.side)), tt.as))
			if err != nil {
				t.Fatalf("one of %d by %d: %v", tt.side, tt.side, err)
			}
			worst, slowest = max(worst, got), max(slowest, took)
			if got > most {
				t.Errorf("it needs %d MB, want at most %d", got>>20, most>>20)
			}
			if os.Getenv("TRIAL") == "full" && took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			got, _, err = needed(t, sized(t, tt.make(rect(tt.side+2)), tt.as))
			if !errors.Is(err, ErrHuge) || got > 1<<20 {
				t.Errorf("one of %d by %d: %v, after %d bytes; want ErrHuge before it is opened", tt.side+2, tt.side+2, err, got)
			}
		})
	}
	t.Logf("the largest pictures of 5 kinds need %d MB at most, and %v", worst>>20, slowest.Round(time.Millisecond))
}

// head is that of a JPEG file: of a kind, with these parts, and perhaps what
// Adobe's programs put before it.
func head(sof byte, adobe bool, parts ...[2]byte) []byte {
	file := []byte{0xFF, 0xD8}
	if adobe {
		file = append(file, 0xFF, 0xEE, 0, 14)
		file = append(file, "Adobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	file = append(file, 0xFF, sof, 0, byte(8+3*len(parts)), 8, 0, 16, 0, 16, byte(len(parts)))
	for _, p := range parts {
		file = append(file, p[0], p[1], 0)
	}
	return file
}

// TestJPEGCost reads from the head of a file what its decoder needs: samples,
// their coefficients if it is a progressive one, and a copy in other colours.
func TestJPEGCost(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		want float64 // bytes a pixel
	}{
		{"as cameras write it", head(0xC0, false, [2]byte{1, 0x22}, [2]byte{2, 0x11}, [2]byte{3, 0x11}), 1.5},
		{"the same, progressive", head(0xC2, false, [2]byte{1, 0x22}, [2]byte{2, 0x11}, [2]byte{3, 0x11}), 7.5},
		{"all colours in full", head(0xC0, false, [2]byte{1, 0x11}, [2]byte{2, 0x11}, [2]byte{3, 0x11}), 3},
		{"grey", head(0xC0, false, [2]byte{1, 0x11}), 1},
		{"named red, green and blue", head(0xC0, false, [2]byte{'R', 0x11}, [2]byte{'G', 0x11}, [2]byte{'B', 0x11}), 7},
		{"said to be red, green and blue", head(0xC0, true, [2]byte{1, 0x11}, [2]byte{2, 0x11}, [2]byte{3, 0x11}), 7},
		{"for print, progressive", head(0xC2, true, [2]byte{1, 0x11}, [2]byte{2, 0x11}, [2]byte{3, 0x11}, [2]byte{4, 0x11}), 24},
		{"without a head", []byte{0xFF, 0xD8}, 24},
		{"cut off", head(0xC0, false, [2]byte{1, 0x22}, [2]byte{2, 0x11}, [2]byte{3, 0x11})[:15], 24},
	} {
		if got := float64(pixelCost(color.YCbCrModel, "jpeg", tt.file)) / perByte; got != tt.want {
			t.Errorf("%s: %v bytes a pixel, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzReencode gives it any file: what is kept of it is a picture of bounded
// size, or it is refused with one of two errors.
func FuzzReencode(f *testing.F) {
	small := image.NewNRGBA(image.Rect(0, 0, 16, 8))
	var asJPEG, asPNG bytes.Buffer
	if err := errors.Join(jpeg.Encode(&asJPEG, small, nil), png.Encode(&asPNG, small)); err != nil {
		f.Fatal(err)
	}
	f.Add(asJPEG.Bytes())
	f.Add(asPNG.Bytes())
	f.Add(head(0xC2, true, [2]byte{1, 0x22}, [2]byte{2, 0x11}, [2]byte{3, 0x11}))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var kept bytes.Buffer
		err := Reencode(&kept, file)
		if err != nil {
			if !errors.Is(err, ErrNotPhoto) && !errors.Is(err, ErrHuge) {
				t.Error(err)
			}
			return
		}
		cfg, format, err := image.DecodeConfig(&kept)
		if err != nil || format != "jpeg" || cfg.Width > keptSide || cfg.Height > keptSide {
			t.Errorf("kept a %s of %d by %d: %v", format, cfg.Width, cfg.Height, err)
		}
	})
}
