package wechat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"

	"tilldesk/bot"
	"tilldesk/bot/photo"
)

// A Recogniser makes text of speech.
type Recogniser interface {
	// Recognise returns what is said in a recording of a MIME type.
	Recognise(ctx context.Context, audio []byte, kind string) (string, error)
}

const (
	// fetchWithin is what a file may take of the time in which the merchant is
	// answered.
	fetchWithin = 2 * time.Second
	maxPicture  = 10 << 20
	maxVoice    = 2 << 20
)

// fetch gets the picture or the recording of a message before it is stored. A
// message whose file cannot be had now is stored without it; later reports
// whether it is worth another try.
func (c *Channel) fetch(ctx context.Context, m *bot.Inbound) (later bool) {
	if len(m.Media) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	media := &m.Media[0]
	file, err := c.file(ctx, *media)
	if err == nil && file.content == nil {
		return false
	}
	if err == nil && media.Kind == "voice" {
		c.recognise(ctx, m, file.content)
	}
	if err == nil && c.opt.Data != nil {
		err = c.keep(media, file, path.Join("photos", digest(Name, m.Address.Remote)), digest(Name, m.Address.Remote, string(m.Remote)))
	}
	if err != nil {
		later = c.opt.Data != nil && !hopeless(err)
		c.opt.Log.Warn("a file of a WeChat message could not be had; the message is kept without it", "kind", media.Kind, "again", later, "error", err)
	}
	return later
}

// recognise makes text of a recording, if WeChat has not.
func (c *Channel) recognise(ctx context.Context, m *bot.Inbound, audio []byte) {
	if m.Text != "" || c.opt.Recogniser == nil {
		return
	}
	text, err := c.opt.Recogniser.Recognise(ctx, audio, m.Media[0].Type)
	if err != nil {
		c.opt.Log.Warn("a voice message could not be made text", "error", err)
		return
	}
	m.Text = text
}

// fetched is a file as it is kept.
type fetched struct {
	content      []byte // nil if there is nothing to be fetched
	kind, suffix string
}

// file gets a file of a message from wherever it is said to be.
func (c *Channel) file(ctx context.Context, media bot.Media) (fetched, error) {
	switch {
	case media.Kind == "image" && c.opt.Data != nil:
		return c.fetchPicture(ctx, media)
	case media.Kind == "voice" && c.api():
		return c.fetchVoice(ctx, media)
	}
	return fetched{}, nil
}

// fetchPicture gets a picture by its address and, where that does not work and
// the account may, by its media id.
func (c *Channel) fetchPicture(ctx context.Context, media bot.Media) (fetched, error) {
	address, id := "", ""
	for _, place := range strings.Fields(media.Remote) {
		if strings.Contains(place, ":") {
			address = place
		} else {
			id = place
		}
	}
	file, err := c.picture(ctx, address)
	if err != nil && c.api() && id != "" {
		other, why := c.download(ctx, id, maxPicture)
		if file = other; why == nil || hopeless(err) {
			err = why
		}
	}
	if err != nil {
		return fetched{}, err
	}
	select { // one at a time: a picture needs much more memory than its file
	case c.decoding <- struct{}{}:
		defer func() { <-c.decoding }()
	case <-ctx.Done():
		return fetched{}, ctx.Err()
	}
	var fresh bytes.Buffer
	if err := photo.Reencode(&fresh, file); err != nil {
		return fetched{}, err
	}
	return fetched{fresh.Bytes(), "image/jpeg", ".jpg"}, nil
}

// fetchVoice gets a recording, in the quality that there is.
func (c *Channel) fetchVoice(ctx context.Context, media bot.Media) (fetched, error) {
	err := error(errNoFile)
	for _, id := range strings.Fields(media.Remote) {
		var audio []byte
		if audio, err = c.download(ctx, id, maxVoice); codeOf(err) != 40007 { // not of every phone
			return fetched{audio, media.Type, ".amr"}, err
		}
	}
	return fetched{}, err
}

// hopeless reports whether a file cannot be had at any other time either.
func hopeless(err error) bool {
	for _, never := range []error{errForeign, errNoFile, errTooLarge, errEndless, photo.ErrNotPhoto, photo.ErrHuge} {
		if errors.Is(err, never) {
			return true
		}
	}
	return false
}

// What is wrong with a file for good.
var (
	errNoFile   = errors.New("the message names no file")
	errTooLarge = fmt.Errorf("it is larger than %d MiB", maxPicture>>20)
)

// keep stores a file below the data folder, in a folder of the merchant that
// has no name of the merchant's.
func (c *Channel) keep(media *bot.Media, file fetched, folder, name string) error {
	if err := c.opt.Data.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of a merchant's files: %w", err)
	}
	name = path.Join(folder, name+file.suffix)
	if err := photo.Write(c.opt.Data, name, file.content); err != nil {
		return fmt.Errorf("storing a file: %w", err)
	}
	media.Path, media.Type, media.Bytes = name, file.kind, int64(len(file.content))
	return nil
}

// errForeign says that a picture's address is not one of WeChat's.
var errForeign = errors.New("the picture is not on a host of WeChat's")

// pictureURL returns the address of a picture, over https. Unless messages are
// encrypted, anybody can have written it.
func pictureURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Port() != "" {
		return nil, errForeign
	}
	host := strings.ToLower(u.Hostname())
	if !strings.HasSuffix(host, ".qpic.cn") && !strings.HasSuffix(host, ".qlogo.cn") {
		return nil, errForeign
	}
	u.Scheme = "https"
	return u, nil
}

// picture gets a picture from its address, which needs no token. Redirects are
// not followed.
func (c *Channel) picture(ctx context.Context, text string) ([]byte, error) {
	u, err := pictureURL(text)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errForeign
	}
	resp, err := c.pictures.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching a picture: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching a picture: %w", statusError(resp.StatusCode))
	}
	file, err := io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
	if err == nil && len(file) > maxPicture {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("fetching a picture: %w", err)
	}
	return file, nil
}

func withoutURL(err error) error {
	var broken *url.Error
	if errors.As(err, &broken) {
		return broken.Err
	}
	return err
}

// download gets a temporary file of WeChat's (获取临时素材). An error comes as JSON
// with the status 200.
func (c *Channel) download(ctx context.Context, mediaID string, limit int) (file []byte, err error) {
	const what = "fetching a file"
	if mediaID == "" {
		return nil, errNoFile
	}
	err = c.authorised(ctx, func(token string) error {
		file, err = c.exchange(context.WithValue(ctx, limitKey{}, limit), what, func(ctx context.Context) ([]byte, error) {
			return util.HTTPGetContext(ctx, apiHost+"/cgi-bin/media/get?access_token="+url.QueryEscape(token)+"&media_id="+url.QueryEscape(mediaID))
		})
		if err == nil && len(file) > 0 && file[0] == '{' {
			if err = decode(what, file, nil, true); err == nil {
				err = errors.New(what + ": it is not a file")
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// maxUpload is how large a picture may be (新增临时素材).
const maxUpload = 2 << 20

// sendPicture sends a picture from the data folder. WeChat keeps what is
// uploaded for three days; one that it has lost is uploaded again.
func (c *Channel) sendPicture(ctx context.Context, to string, media bot.Media) error {
	if c.opt.Data == nil || media.Path == "" {
		return refusedError{errors.New("the picture is not here")}
	}
	picture, err := c.opt.Data.ReadFile(media.Path)
	switch {
	case err != nil:
		return refusedError{fmt.Errorf("the picture cannot be read: %w", err)}
	case len(picture) > maxUpload:
		return refusedError{fmt.Errorf("the picture is larger than the %d MiB that WeChat takes; send a smaller one", maxUpload>>20)}
	}
	for again := false; ; again = true {
		id, err := c.upload(ctx, path.Base(media.Path), picture)
		if err != nil {
			if codeOf(err) == 0 { // nothing was sent to the merchant
				err = unsentError{err}
			}
			return err
		}
		if err = c.custom(ctx, message.NewCustomerImgMessage(to, id)); codeOf(err) != 40007 || again {
			return err
		}
	}
}

// upload stores a picture with WeChat for three days and returns its media id
// (新增临时素材).
func (c *Channel) upload(ctx context.Context, name string, picture []byte) (id string, err error) {
	const what = "uploading a picture"
	err = c.authorised(ctx, func(token string) error {
		answer, err := c.exchange(ctx, what, func(ctx context.Context) ([]byte, error) {
			return postFile(ctx, apiHost+"/cgi-bin/media/upload?type=image&access_token="+url.QueryEscape(token), name, picture)
		})
		if err != nil {
			return err
		}
		var out struct {
			MediaID string `json:"media_id"`
		}
		if err := decode(what, answer, &out, false); err != nil {
			return err
		}
		if id = out.MediaID; id == "" {
			return fmt.Errorf("%s: the answer is not WeChat's: it has no media_id", what)
		}
		return nil
	})
	return id, err
}

// postFile posts a file as a form of several parts. The SDK's own way has no
// context.
func postFile(ctx context.Context, uri, name string, content []byte) ([]byte, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("media", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err := errors.Join(err, form.Close()); err != nil {
		return nil, err
	}
	return util.HTTPPostContext(ctx, uri, body.Bytes(), map[string]string{"Content-Type": form.FormDataContentType()})
}
