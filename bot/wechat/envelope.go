package wechat

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
)

// What is wrong with a request that is not taken. None of them says anything
// about the message.
var (
	errSignature = errors.New("the signature is not the one that our token gives")
	errStale     = errors.New("its time is more than ten minutes from ours")
	errPlain     = errors.New("it is not encrypted, but an AES key is set: choose 安全模式 (safe mode) in the account's settings")
	errNoKey     = errors.New("it is encrypted, but wechat.aes_key is not set")
	errEnvelope  = errors.New("the envelope cannot be opened with the AES key of this account")
)

// AESKey checks an EncodingAESKey: 43 characters that are the base64 of 32
// bytes. The last character may carry bits that mean nothing, as WeChat makes
// such keys.
func AESKey(key string) error {
	if _, err := util.EncryptMsg(make([]byte, 16), []byte("key"), "id", key); err != nil {
		return errors.New("the AES key must be the EncodingAESKey of the account, 43 characters of A-Z, a-z and 0-9")
	}
	return nil
}

// signed reports whether signature is that of the parts with the token (three
// or four strings in lexical order, SHA-1, hex; 消息加解密说明). The time that it
// takes does not depend on where they differ.
func (c *Channel) signed(signature string, parts ...string) bool {
	want := signatureOf(c.opt.Token, parts...)
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
}

func signatureOf(token string, parts ...string) string {
	return util.Signature(append([]string{token}, parts...)...)
}

// open returns the message in an encrypted body. The signature of the query
// covers it, and the app id in it is ours.
func (c *Channel) open(q query, body []byte) ([]byte, error) {
	outer, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEnvelope, err)
	}
	sealed := outer.get("Encrypt")
	if sealed == "" || !c.signed(q.msgSignature, q.timestamp, q.nonce, sealed) {
		return nil, errSignature
	}
	for _, key := range c.keys {
		if _, inner, err := util.DecryptMsg(c.opt.AppID, sealed, key); err == nil {
			return inner, nil
		}
	}
	return nil, errEnvelope
}

// seal returns a passive reply as it goes out: encrypted if there is a key,
// with a random, a nonce and a time of its own.
func (c *Channel) seal(reply any, now time.Time) ([]byte, error) {
	plain, err := xml.Marshal(reply)
	if err != nil {
		return nil, fmt.Errorf("encoding a passive reply: %w", err)
	}
	if len(c.keys) == 0 {
		return plain, nil
	}
	random := make([]byte, 16)
	rand.Read(random) // never fails
	sealed, err := util.EncryptMsg(random, plain, c.opt.AppID, c.keys[0])
	if err != nil {
		return nil, fmt.Errorf("encrypting a passive reply: %w", err)
	}
	out := message.ResponseEncryptedXMLMsg{EncryptedMsg: string(sealed), Timestamp: now.Unix(), Nonce: rand.Text()}
	out.MsgSignature = signatureOf(c.opt.Token, fmt.Sprint(out.Timestamp), out.Nonce, out.EncryptedMsg)
	return xml.Marshal(out)
}
