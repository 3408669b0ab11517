package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // decodes PNG
	"io"
	"sync"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // decodes WebP
)

// Bounds on a picture before it is decoded, and of what is kept of it.
const (
	maxPixels    = 25_000_000
	maxSide      = 8_000
	maxDecoded   = 47 << 20 // bytes that decoding may need; with what is kept it is 64 MB
	keptSide     = 2_048    // enough to read a terminal's screen
	keptQuality  = 85
	maxEXIFBytes = 64 << 10
)

// Errors of a file that is no picture to be kept.
var (
	ErrNotPhoto = errors.New("this is not a JPEG, PNG or WebP picture that can be read")
	ErrHuge     = fmt.Errorf("the picture has more than %d pixels or %d on one side, or needs more than %d MB to be opened", maxPixels, maxSide, maxDecoded>>20)
)

// decoding is held while a picture is decoded: whichever channels they come
// from, there is memory for one at a time.
var decoding sync.Mutex

// Reencode writes a picture anew, as a JPEG: upright, at most keptSide on its
// longer side, on white where it is transparent, and without all that a file
// carries besides the picture. Calls wait for each other. Errors other than
// writing are ErrNotPhoto and ErrHuge.
func Reencode(w io.Writer, file []byte) (err error) {
	decoding.Lock()
	defer decoding.Unlock()
	defer func() { // a decoder meets files made to break it
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: decoding panicked: %v", ErrNotPhoto, p)
		}
	}()
	cfg, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrNotPhoto, err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return ErrNotPhoto
	}
	if cfg.Width > maxSide || cfg.Height > maxSide || cfg.Width*cfg.Height > maxPixels ||
		int64(cfg.Width)*int64(cfg.Height)*pixelCost(cfg.ColorModel, format, file)/perByte > maxDecoded {
		return ErrHuge
	}
	decoded, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrNotPhoto, err)
	}
	turn := 1
	if format == "jpeg" {
		turn = orientation(file)
	}
	return jpeg.Encode(w, upright(shrink(decoded), turn), &jpeg.Options{Quality: keptQuality})
}

// perByte is the unit of pixelCost, since most pictures need less than two
// bytes for a pixel.
const perByte = 4

// pixelCost is what decoding needs in memory for each pixel at most, in quarters
// of a byte.
func pixelCost(model color.Model, format string, file []byte) int64 {
	switch {
	case format == "jpeg":
		return jpegCost(file)
	case format == "webp" && model == color.YCbCrModel:
		return 2 * perByte
	case format == "webp": // also what its transforms need
		return 8 * perByte
	}
	cost := int64(4) // grey, too: what is transparent is not known from the head
	if _, palette := model.(color.Palette); palette {
		cost = 1
	} else if model == color.RGBA64Model || model == color.NRGBA64Model || model == color.Gray16Model {
		cost = 8
	}
	const interlace = 28 // where the head of a PNG file says so
	if len(file) > interlace && file[interlace] != 0 {
		cost *= 2 // seven pictures that come to one together
	}
	return cost * perByte
}

// jpegCost is pixelCost of a JPEG file: of how many samples its head says that
// a pixel has (ITU-T T.81, B.2.2).
func jpegCost(file []byte) int64 {
	samples, coefficients, converted := int64(4*perByte), int64(4), int64(4*perByte) // if it does not say
	segments(file, func(marker byte, head []byte) bool {
		if marker < 0xC0 || marker > 0xC2 || len(head) < 6 || len(head) < 6+3*int(head[5]) {
			return true
		}
		if marker != 0xC2 { // else it is progressive: all coefficients are kept to the end, 32 bits each
			coefficients = 0
		}
		most, sum, names := int64(1), int64(0), ""
		for n := range int(head[5]) {
			part := head[6+3*n:]
			area := int64(part[1]>>4) * int64(part[1]&15)
			most, sum, names = max(most, area), sum+area, names+string(rune(part[0]))
		}
		samples = (sum*perByte + most - 1) / most
		if head[5] < 4 && names != "RGB" && !plainColours(file) { // else a copy in other colours is made
			converted = 0
		}
		return false
	})
	return samples + coefficients*samples + converted
}

// plainColours tells whether a JPEG file says, as Adobe's programs do, that its
// colours are red, green and blue as they are.
func plainColours(file []byte) (yes bool) {
	segments(file, func(marker byte, body []byte) bool {
		const transform = 11 // where it is said how colours were changed; 0: not
		yes = yes || marker == 0xEE && bytes.HasPrefix(body, []byte("Adobe")) && len(body) > transform && body[transform] == 0
		return true
	})
	return yes
}

// shrink draws the picture on white, smaller if it is large.
func shrink(src image.Image) *image.RGBA {
	b := src.Bounds()
	width, height := b.Dx(), b.Dy()
	if long := max(width, height); long > keptSide {
		width, height = max(1, width*keptSide/long), max(1, height*keptSide/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, b, draw.Over, nil)
	return dst
}

// upright turns a picture by its EXIF orientation, 1 to 8 (EXIF 2.32, tag
// 0x0112): 2, 4, 5 and 7 are mirrored, 5 to 8 lie on their side.
func upright(src *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if turn >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			fx, fy := x, y // where this pixel comes from
			switch turn {
			case 2:
				fx = w - 1 - x
			case 3:
				fx, fy = w-1-x, h-1-y
			case 4:
				fy = h - 1 - y
			case 5:
				fx, fy = y, x
			case 6:
				fx, fy = y, h-1-x
			case 7:
				fx, fy = w-1-y, h-1-x
			case 8:
				fx, fy = w-1-y, x
			}
			from, to := src.PixOffset(fx, fy), dst.PixOffset(x, y)
			copy(dst.Pix[to:to+4], src.Pix[from:from+4])
		}
	}
	return dst
}

// segments calls f with each marker segment of a JPEG file up to the picture's
// data, until f returns false (ITU-T T.81, B.1.1).
func segments(file []byte, f func(marker byte, body []byte) bool) {
	for at := 2; at+4 <= len(file) && file[at] == 0xFF; {
		marker := file[at+1]
		if marker == 0xFF { // padding
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 2 || at+2+size > len(file) || marker == 0xDA {
			return
		}
		if !f(marker, file[at+4:at+2+size]) {
			return
		}
		at += 2 + size
	}
}

// orientation reads how a JPEG file says it is to be turned; 1, upright, if it
// says nothing that can be understood.
func orientation(file []byte) int {
	turn := 1
	segments(file, func(marker byte, body []byte) bool {
		tiff, isEXIF := bytes.CutPrefix(body, []byte("Exif\x00\x00"))
		if marker != 0xE1 || !isEXIF {
			return true
		}
		turn = tiffOrientation(tiff)
		return false
	})
	return turn
}

// tiffOrientation reads tag 0x0112 of the first directory (TIFF 6.0, section 2).
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 || len(tiff) > maxEXIFBytes {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	const entrySize, short = 12, 3
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			return 1
		}
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == short {
			if turn := int(order.Uint16(entries[8:])); turn >= 1 && turn <= 8 {
				return turn
			}
			return 1
		}
		entries = entries[entrySize:]
	}
	return 1
}
