package watch

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxLinks is how many links are followed from one path.
	maxLinks = 40
	// maxRead is how much of a file is compared; the rest is of the same size.
	maxRead = 4 << 20
)

// foldersOf returns the folders in which a change of the path shows: its own,
// those of the links on the way to it, and, if it is a folder, itself and all
// below it. Of what is not there it is the nearest one above.
func foldersOf(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	var folders []string
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, split(path)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case ".":
			continue
		case "..": // in a link: above where it has led to
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			return append(folders, at)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			folders = append(folders, at)
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				return folders
			}
			if filepath.IsAbs(target) {
				at = root
			}
			rest = append(split(target), rest...)
			continue
		}
		if len(rest) == 0 {
			folders = append(folders, at)
		}
		at = next
	}
	_ = filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, name)
		}
		return nil // what cannot be read is looked at again later
	})
	return folders
}

// split returns the names in a path, without its root.
func split(path string) []string {
	path = filepath.ToSlash(path[len(filepath.VolumeName(path)):])
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// A print is the same as long as what it was taken from is the same.
type print [sha256.Size]byte

// printOf takes the print of files and folders: names, rights and content. The
// time of a file says too little: two changes may have the same.
func printOf(paths []string) print {
	h := sha256.New()
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		fmt.Fprintf(h, "%q %q %v\n", path, real, err)
		if err != nil {
			continue
		}
		_ = filepath.WalkDir(real, func(name string, _ fs.DirEntry, err error) error {
			fmt.Fprintf(h, "%q %v ", name, err)
			if err == nil {
				err = printFile(h, name)
			}
			fmt.Fprintln(h, err)
			return nil // what cannot be read is a difference as any other
		})
	}
	return print(h.Sum(nil))
}

func printFile(h hash.Hash, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	fmt.Fprint(h, info.Mode(), " ")
	if !info.Mode().IsRegular() {
		return nil
	}
	fmt.Fprint(h, info.Size(), " ")
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(h, io.LimitReader(f, maxRead))
	return err
}
