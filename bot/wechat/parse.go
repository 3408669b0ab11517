package wechat

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on an XML body. WeChat's largest messages have some twenty elements
// and three levels.
const (
	maxElements = 64
	maxDepth    = 32
)

// elements are the elements of a body as WeChat names them, all of them text:
// a number that is none must not lose the message. One that is within another
// has the name of both, such as "ScanCodeInfo.ScanResult".
type elements map[string]string

func (e elements) get(name string) string { return strings.TrimSpace(e[name]) }

// parse reads a body of WeChat's: one document with the root xml, in UTF-8,
// without a document type, within the bounds. An element that stands twice in
// the root is refused, since nobody can say which one counts; of those further
// down the first one counts.
func parse(body []byte) (elements, error) {
	found := elements{}
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string // the elements that are open
	var text []byte   // of the innermost
	count, ended := 0, false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is not XML: %w", withoutWords(err))
		}
		switch t := token.(type) {
		case xml.StartElement:
			count++
			switch {
			case ended:
				return nil, errors.New("it has two documents")
			case count > maxElements || len(path) == maxDepth:
				return nil, fmt.Errorf("it has more than %d elements or %d levels", maxElements, maxDepth)
			case len(path) == 0 && t.Name.Local != "xml":
				return nil, errors.New("its root is not xml")
			}
			path, text = append(path, t.Name.Local), text[:0]
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != t.Name.Local {
				return nil, errors.New("its elements are not closed in order")
			}
			if err := found.add(path, text); err != nil {
				return nil, err
			}
			path, text = path[:len(path)-1], text[:0]
			ended = len(path) == 0
		case xml.CharData:
			if len(path) > 0 {
				text = append(text, t...)
			} else if len(bytes.TrimSpace(t)) > 0 && !(count == 0 && string(t) == "\uFEFF") {
				return nil, errors.New("it has text outside of its root")
			}
		case xml.Directive:
			return nil, errors.New("it has a document type")
		case xml.ProcInst:
			if count > 0 || t.Target != "xml" {
				return nil, errors.New("it has a processing instruction")
			}
		}
	}
	if !ended {
		return nil, errors.New("it ends too early")
	}
	return found, nil
}

// add notes an element that has ended.
func (e elements) add(path []string, text []byte) error {
	if len(path) < 2 {
		return nil
	}
	name := strings.Join(path[1:], ".")
	if _, twice := e[name]; !twice {
		e[name] = string(text)
	} else if len(path) == 2 {
		return fmt.Errorf("it has the element %.40q twice", name)
	}
	return nil
}

// withoutWords is what is wrong with XML, without what stands there.
func withoutWords(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("a syntax error in line %d", syntax.Line)
	}
	return errors.New("its encoding is not UTF-8")
}
