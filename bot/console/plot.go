package console

import (
	"strconv"
	"unicode/utf8"
)

// A plot is a picture of numbers, and the numbers as a table. Templates make
// the SVG of it; positions are in its own units.
type plot struct {
	Title         string
	Empty         bool
	Width, Height int
	Legend        []series
	Lines         []plotLine
	Bars          []plotBar
	Texts         []plotText
	Columns       []column
	Table         [][]string
}

type plotLine struct{ X1, Y1, X2, Y2 int }

type plotBar struct {
	X, Y, W, H, R int
	Class, Hint   string
}

type plotText struct {
	X, Y                int
	Class, Anchor, Text string
}

type column struct {
	Name string
	Num  bool
}

// A series is numbers of one kind; Class gives them their colour.
type series struct{ Name, Class string }

const plotWidth = 480

// bars are numbers with long names, one below the other.
type bars struct {
	title, first, number, class string
	names                       []string
	values                      []int
}

func (b *bars) add(name string, n int) {
	b.names, b.values = append(b.names, name), append(b.values, n)
}

func (b *bars) plot() plot {
	const left, right, step, height = 208, 36, 30, 16
	p := plot{Title: b.title, Width: plotWidth, Height: step * len(b.names), Columns: []column{{b.first, false}, {b.number, true}}}
	most := 0
	for _, n := range b.values {
		most = max(most, n)
	}
	p.Empty = most == 0
	for i, name := range b.names {
		y, n := i*step, b.values[i]
		hint := name + ": " + strconv.Itoa(n)
		p.Bars = append(p.Bars,
			plotBar{left, y + 7, plotWidth - left - right, height, 4, "track", hint},
			plotBar{left, y + 7, (plotWidth - left - right) * n / max(most, 1), height, 4, b.class, hint})
		p.Texts = append(p.Texts,
			plotText{left - 10, y + 20, "", "end", shortName(name, left-10)},
			plotText{plotWidth - right + 8, y + 20, "value", "start", strconv.Itoa(n)})
		p.Table = append(p.Table, []string{name, strconv.Itoa(n)})
	}
	return p
}

// shortName cuts a name to what fits into the width.
func shortName(name string, width int) string {
	used := 0
	for i, r := range name {
		if used += charWidth(r); used > width {
			for used > width-12 && i > 0 {
				last, size := utf8.DecodeLastRuneInString(name[:i])
				i -= size
				used -= charWidth(last)
			}
			return name[:i] + "…"
		}
	}
	return name
}

// charWidth is about how wide a character of the plots' size is.
func charWidth(r rune) int {
	if r >= 0x2e80 {
		return 12
	}
	return 6
}

// columns are numbers of several kinds, one group beside the other, such as
// those of days.
type columns struct {
	title, first string
	series       []series
	names        []string
	values       [][]int
}

func (c *columns) add(name string, values ...int) {
	c.names, c.values = append(c.names, name), append(c.values, values)
}

func (c *columns) plot() plot {
	const left, bottom, top, height = 34, 22, 8, 190
	p := plot{Title: c.title, Width: plotWidth, Height: height, Legend: c.series, Columns: []column{{c.first, false}}}
	for _, s := range c.series {
		p.Columns = append(p.Columns, column{s.Name, true})
	}
	most := 0
	for _, values := range c.values {
		for _, n := range values {
			most = max(most, n)
		}
	}
	p.Empty = most == 0
	if p.Empty {
		return p
	}
	end := nice(most)
	floor := height - bottom
	for i := range 3 {
		y := floor - i*(floor-top)/2
		p.Lines = append(p.Lines, plotLine{left, y, plotWidth, y})
		p.Texts = append(p.Texts, plotText{left - 8, y + 4, "", "end", strconv.Itoa(end * i / 2)})
	}
	group := (plotWidth - left) / len(c.names)
	width := max(1, min(26, (group-group/4)/len(c.series)))
	every := (len(c.names) + 7) / 8 // so many names fit
	for i, name := range c.names {
		middle := left + i*group + group/2
		x := middle - width*len(c.series)/2
		line := []string{name}
		for j, n := range c.values[i] {
			h := (floor - top) * n / end
			if n > 0 {
				h = max(h, 2)
			}
			p.Bars = append(p.Bars, plotBar{x + j*width, floor - h, max(width-1, 1), h, min(2, width/3), c.series[j].Class,
				name + ", " + c.series[j].Name + ": " + strconv.Itoa(n)})
			line = append(line, strconv.Itoa(n))
		}
		if i%every == 0 {
			p.Texts = append(p.Texts, plotText{middle, height - 5, "", "middle", name})
		}
		p.Table = append(p.Table, line)
	}
	return p
}
