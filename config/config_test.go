package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vars is an environment that holds nothing else.
func vars(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// settled is the defaults with this content and this log.
func settled(content Content, log Log) Config {
	cfg := Default()
	cfg.Content, cfg.Log = content, log
	return cfg
}

// secrets compares them by what they hold.
var secrets = cmp.Comparer(Secret.Equal)

func TestLoad(t *testing.T) {
	for _, tt := range []struct {
		file string
		env  []string
		want Config
	}{
		{"all", nil, settled(Content{Dir: "/srv/tilldesk/content"}, Log{slog.LevelDebug, JSON})},
		{"some", nil, settled(Content{}, Log{slog.LevelWarn, Text})},
		{"no_values", nil, settled(Content{}, Log{slog.LevelInfo, JSON})},
		{"comments_only", nil, Default()},
		{"dotted_and_upper_case", nil, settled(Content{Dir: "Shop"}, Log{slog.LevelError, Text})},
		{"alias", nil, settled(Content{Dir: "debug"}, Log{slog.LevelDebug, Text})},
		{"all", []string{"TILLDESK_LOG_LEVEL", "ERROR", "TILLDESK_CONTENT_DIR", "true"},
			settled(Content{Dir: "true"}, Log{slog.LevelError, JSON})},
		{"some", []string{"TILLDESK_LOG_LEVEL", "", "TILLDESK_LOG_FORMAT", "json"}, settled(Content{}, Log{slog.LevelWarn, JSON})},
	} {
		t.Run(strings.Join(append([]string{tt.file}, tt.env...), " "), func(t *testing.T) {
			got, err := Load(filepath.Join("testdata", "good", tt.file+".yaml"), vars(tt.env...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, secrets); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	const level = "allowed: debug, info, warn or error"
	for _, tt := range []struct {
		file string
		env  []string
		want []string
	}{
		{"empty", nil, []string{`: cannot read the configuration file: file is empty, allowed: the path of a YAML file`}},
		{"missing", nil, []string{`: cannot read the configuration file: no such file or directory, allowed: the path of a YAML file`}},
		{"latin1", nil, []string{`: cannot read the configuration file: it is not UTF-8, allowed: the path of a YAML file`}},
		{"level", nil, []string{`:2: log.level is "loud", ` + level}},
		{"out_of_range", nil, []string{`:2: log.level is "info+2", ` + level, `:3: log.format is "xml", allowed: text or json`}},
		{"types", nil, []string{`:5: content.dir is a list, allowed: one value`, `:2: log.level is 0, ` + level, `:3: log.format is true, allowed: text or json`}},
		{"unknown", nil, []string{`:2: unknown key "log.levle", the nearest known one is log.level`,
			`:3: unknown key "logs", the nearest known one is log.level`, `:4: unknown key "telegraph", the nearest known one is telegram.mode`}},
		{"section", nil, []string{`:1: log is a single value, allowed: a section with keys below it`}},
		{"list", nil, []string{`:1: a list stands here, allowed: sections such as "log:" with keys below them`}},
		{"twice", nil, []string{`:3: "log" is given twice, first in line 1, allowed: once`, `:7: "content.dir" is given twice, first in line 6, allowed: once`}},
		{"indent", nil, []string{`:3: this is not YAML: value is not allowed in this context`}},
		{"tab", nil, []string{`:3: this is not YAML: found character '\t' that cannot start any token`}},
		{"reserved", nil, []string{`:2: this is not YAML: found character that cannot start any token`}},
		{"anchor", nil, []string{`: this is not YAML: unknown anchor`}},
		{"two_documents", nil, []string{`:3: a second YAML document starts here, allowed: one`}},
		{"list_as_key", nil, []string{`:1: a list stands here, allowed: a key such as http.addr`}},
		{"tag", nil, []string{`: a value does not fit its YAML tag or alias, allowed: plain values, and texts in quotes`}},
		{"long", nil, []string{`:2: log.level is "in\nfo", ` + level, `:3: log.format is "` + strings.Repeat("x", 60) + `…", allowed: text or json`}},
		{"level", []string{"TILLDESK_LOG_FORMAT", "xml"},
			[]string{`:2: log.level is "loud", ` + level, `TILLDESK_LOG_FORMAT: log.format is "xml", allowed: text or json`}},
		{"signin", nil, []string{
			`:3: signin.hours_at_most is 1.5, allowed: 1 to 720 hours`,
			`:2: signin.idle_minutes is 0, allowed: 1 to 1440 minutes`,
			`:6: oidc.name is "", allowed: the name of the provider for people, at most 40 characters`,
			`:5: oidc.issuer is "http://login.example", allowed: the https URL of the provider (http on this machine alone), together with http.public_url; or nothing`,
			`oidc.client_id is not set, allowed: what the provider calls this service; needed with oidc.issuer`,
			`oidc.agent_groups is not set, allowed: groups with commas between; with oidc.issuer at least one here or in oidc.lead_groups`,
		}},
		{"telegram", []string{"TILLDESK_TELEGRAM_WEBHOOK_SECRET", "good"},
			[]string{`:3: telegram.mode is "webhook", allowed: poll, or webhook, which needs http.public_url to begin with https`}},
		{"telegram", []string{"TILLDESK_HTTP_PUBLIC_URL", "https://help.example"},
			[]string{`telegram.webhook_secret is not set, allowed: 1 to 256 characters of A-Z a-z 0-9 _ -; telegram.mode webhook needs it`}},
		{"level", []string{"TILLDESK_LOG_LEVEL", "quiet"}, []string{`TILLDESK_LOG_LEVEL: log.level is "quiet", ` + level}},
	} {
		t.Run(strings.Join(append([]string{tt.file}, tt.env...), " "), func(t *testing.T) {
			file := filepath.Join("testdata", "bad", tt.file+".yaml")
			got, err := Load(file, vars(tt.env...))
			var problems *Error
			if !errors.As(err, &problems) {
				t.Fatalf("Load gives %v, %v; want an *Error", got, err)
			}
			for i, problem := range tt.want {
				if strings.HasPrefix(problem, ":") {
					tt.want[i] = file + problem
				}
			}
			if diff := cmp.Diff(strings.Join(tt.want, "; "), err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if !cmp.Equal(got, Config{}, secrets) {
				t.Errorf("settings in spite of the error: %+v", got)
			}
		})
	}
}

func TestLoadKeepsTheCause(t *testing.T) {
	if _, err := Load("testdata/none.yaml", vars()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestLoadRefusesHugeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "huge.yaml")
	write(t, file, "#"+strings.Repeat("x", maxFile))
	if _, err := Load(file, vars()); err == nil || !strings.Contains(err.Error(), "it has more than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

// The names of unknown variables come from the process, so this test sets them
// there.
func TestLoadFindsUnknownVariables(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TILLDESK_LOG_LEVELS", "do-not-show")
	t.Setenv("TILLDESK_CONTENTDIR", "x")
	t.Setenv("TILLDESK_PORT", "8080")
	t.Setenv("TILLDESK_NOTHING", "")
	t.Setenv("TILLDESKTOP", "none of ours")
	_, err := Load("", os.LookupEnv)
	if err == nil {
		t.Fatal("no error")
	}
	want := "TILLDESK_CONTENTDIR: unknown environment variable, the nearest known one is TILLDESK_CONTENT_DIR; " +
		"TILLDESK_LOG_LEVELS: unknown environment variable, the nearest known one is TILLDESK_LOG_LEVEL; " +
		"TILLDESK_PORT: unknown environment variable, the nearest known one is TILLDESK_STORE_DSN"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if _, err := Load("", vars()); err != nil {
		t.Errorf("an environment without them gives %v", err)
	}
}

// A cluster with a service called tilldesk must be able to start it.
func TestLoadIgnoresServiceLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{
		"TILLDESK_SERVICE_HOST":          "10.0.0.11",
		"TILLDESK_SERVICE_PORT":          "8080",
		"TILLDESK_SERVICE_PORT_HTTP":     "8080",
		"TILLDESK_PORT":                  "tcp://10.0.0.11:8080",
		"TILLDESK_PORT_8080_TCP":         "tcp://10.0.0.11:8080",
		"TILLDESK_PORT_8080_TCP_PROTO":   "tcp",
		"TILLDESK_PORT_8080_TCP_PORT":    "8080",
		"TILLDESK_PORT_8080_TCP_ADDR":    "10.0.0.11",
		"TILLDESK_METRICS_SERVICE_HOST":  "10.0.0.12",
		"TILLDESK_METRICS_PORT_9464_TCP": "tcp://10.0.0.12:9464",
	} {
		t.Setenv(name, value)
	}
	if _, err := Load("", os.LookupEnv); err != nil {
		t.Error(err)
	}
}

func TestLoadSearchesFiles(t *testing.T) {
	here, etc := t.TempDir(), t.TempDir()
	t.Chdir(here)
	saved := searched
	searched = []string{saved[0], filepath.Join(etc, "tilldesk.yaml")}
	defer func() { searched = saved }()

	level := func(path string) slog.Level {
		t.Helper()
		cfg, err := Load(path, vars())
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Log.Level
	}
	if got := level(""); got != slog.LevelInfo {
		t.Errorf("without any file: %v", got)
	}
	write(t, searched[1], "log: {level: warn}")
	if got := level(""); got != slog.LevelWarn {
		t.Errorf("with the file of the system: %v", got)
	}
	write(t, "tilldesk.yaml", "log: {level: error}")
	if got := level(""); got != slog.LevelError {
		t.Errorf("with a file in the working directory too: %v", got)
	}
	write(t, "other.yaml", "log: {level: debug}")
	if got := level("other.yaml"); got != slog.LevelDebug {
		t.Errorf("with a file that is named: %v", got)
	}
	write(t, "tilldesk.yaml", "")
	want := "tilldesk.yaml: cannot read the configuration file: file is empty, make it readable or remove it"
	if _, err := Load("", vars()); err == nil || err.Error() != want {
		t.Errorf("with an empty file in the working directory: %v, want %s", err, want)
	}
}

func TestExampleIsTheDefault(t *testing.T) {
	const file = "../tilldesk.example.yaml"
	got, err := Load(file, vars())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, secrets); diff != "" {
		t.Errorf("%s is not the default (-default +example):\n%s", file, diff)
	}

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := settingsOf(reflect.ValueOf(&got).Elem())
	lines, _ := readDocument(file, data, all)
	for _, s := range all {
		if _, ok := lines[s.key]; !ok {
			t.Errorf("%s does not name %s", file, s.key)
		}
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	var cfg Config
	seen := []string{}
	for _, s := range settingsOf(reflect.ValueOf(&cfg).Elem()) {
		if strings.HasPrefix(s.key, ".") || strings.HasSuffix(s.key, ".") || s.key != strings.ToLower(s.key) {
			t.Errorf("%q is no key: lower case and a mapstructure tag on every field are needed", s.key)
		}
		if s.allowed == "" {
			t.Errorf("%s does not say what is allowed", s.key)
		}
		if slices.Contains(seen, s.key) {
			t.Errorf("%s is there twice", s.key)
		}
		seen = append(seen, s.key)
	}
	if !slices.Contains(seen, "log.level") {
		t.Errorf("log.level is not among %q", seen)
	}
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files to start from: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := Default()
		err := overlay(&cfg, "fuzz.yaml", data, vars(), cfg.validate)
		if err == nil {
			cfg.validate(func(key string) { t.Errorf("%s is accepted with a value that is not allowed: %+v", key, cfg) })
			return
		}
		var problems *Error
		if !errors.As(err, &problems) || len(problems.Problems) == 0 {
			t.Errorf("%v is not an *Error with problems", err)
		}
		if strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("the error has several lines: %q", err)
		}
	})
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	before := Default()
	if live, restart := Changes(before, Default()); len(live)+len(restart) > 0 {
		t.Errorf("nothing has changed, but %q and %q have", live, restart)
	}
	after := Default()
	after.Log.Level = slog.LevelDebug
	after.Limits.AddressPerSecond = 1
	after.HTTP.Addr = ":1"
	after.Store.DSN = NewSecret("sqlite:elsewhere.db")
	live, restart := Changes(before, after)
	if diff := cmp.Diff([]string{"limits.address_per_second", "log.level"}, live); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"http.addr", "store.dsn"}, restart); diff != "" {
		t.Errorf("by a restart (-want +got):\n%s", diff)
	}
}
