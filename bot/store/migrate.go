package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. It must run under a lock, unless it is
// Beside and changes nothing: then a schema that is not up to date is an error.
func migrate(ctx context.Context, pool *sql.DB, dialect goose.Dialect, files fs.FS, opt Options) error {
	p, err := goose.NewProvider(dialect, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, know, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("reading the version of the schema: %w", err)
	case have > know:
		return fmt.Errorf("its schema has version %d, this program knows up to %d: run the newer program, or restore a backup from before the update: %w", have, know, ErrNewer)
	case have == know, have > 0 && opt.old:
		return nil
	case opt.Beside:
		return fmt.Errorf("its schema has version %d, this program needs %d: start the service once to bring it up to date", have, know)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("updating the schema from version %d to %d: %w", have, know, err)
	}
	return nil
}

// schema returns the migrations, with words replaced as the database needs it.
func schema(oldnew ...string) fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return replacedFS{files, strings.NewReplacer(oldnew...)}
}

// replacedFS is a file system with words replaced in its files.
type replacedFS struct {
	fs.FS
	words *strings.Replacer
}

func (r replacedFS) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return replacedFile{f, strings.NewReader(r.words.Replace(string(text)))}, nil
}

type replacedFile struct {
	fs.File
	text *strings.Reader
}

func (f replacedFile) Read(p []byte) (int, error) { return f.text.Read(p) }
