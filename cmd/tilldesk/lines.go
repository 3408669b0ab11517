package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxLine bounds a line of input: more than any message of any channel.
const maxLine = 1 << 20

// A lineReader reads lines. One over the bound is cut, not refused: the rest of
// the input still counts.
type lineReader struct {
	in     *bufio.Reader
	line   []byte
	number int // of the line read last, from 1
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next line without its end, or io.EOF.
func (l *lineReader) next() (string, error) {
	l.line = l.line[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		if room := maxLine - len(l.line); room > 0 {
			l.line = append(l.line, part[:min(room, len(part))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !(errors.Is(err, io.EOF) && len(l.line) > 0):
			return "", err
		}
		if l.number++; l.number == 1 {
			l.line = bytes.TrimPrefix(l.line, []byte("\uFEFF"))
		}
		return strings.TrimRight(string(l.line), "\r\n"), nil
	}
}

// eachLine calls f for each line of r until there is none, f fails or ctx ends.
func eachLine(ctx context.Context, r io.Reader, f func(line string) error) error {
	type read struct {
		line string
		err  error
	}
	lines := make(chan read)
	go func() { // A terminal is waited for until somebody types; nothing can end that.
		in := newLineReader(r)
		for {
			line, err := in.next()
			select {
			case lines <- read{line, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case next := <-lines:
			if errors.Is(next.err, io.EOF) {
				return nil
			}
			if next.err != nil {
				return failedError{fmt.Errorf("reading standard input: %w", next.err)}
			}
			if err := f(next.line); err != nil {
				return err
			}
		}
	}
}

func blank(line string) bool { return strings.TrimSpace(line) == "" }

// readRows reads a file of labelled rows. Each must have what is needed.
func readRows(file string, need string, has func(labelled) bool) ([]labelled, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []labelled
	in := newLineReader(f)
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if blank(line) {
			continue
		}
		var row labelled
		if err := json.Unmarshal([]byte(line), &row); err != nil || !has(row) {
			return nil, fmt.Errorf("%s:%d: a JSON object with %s is needed, this is %.60q", file, in.number, need, line)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no rows in it; give one JSON object with %s per line", file, need)
	}
	return rows, nil
}

// writeJSON writes v as one line, without turning < and > into escapes.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
