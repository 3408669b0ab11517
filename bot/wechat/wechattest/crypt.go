// Package wechattest plays WeChat: the server that posts what merchants write,
// the phone that shows what comes back, and the API with its rights, tokens,
// limits and grants. It is strict: what WeChat would refuse, it refuses, and
// what no account should send, it notes as a mistake. Its cryptography is its
// own, after 消息加解密说明, so that both sides cannot share an error.
package wechattest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sign returns the signature of parts: sorted, joined, SHA-1, hex.
func Sign(parts ...string) string {
	sorted := slices.Sorted(slices.Values(parts))
	sum := sha1.Sum([]byte(strings.Join(sorted, "")))
	return hex.EncodeToString(sum[:])
}

// padTo is the block of the padding, which is not that of AES.
const padTo = 32

// Seal encrypts a message for an app id with an EncodingAESKey. random has 16
// bytes.
func Seal(aesKey, appID string, random []byte, message string) string {
	block, key := cipherOf(aesKey)
	plain := slices.Concat(random, binary.BigEndian.AppendUint32(nil, uint32(len(message))), []byte(message), []byte(appID))
	pad := padTo - len(plain)%padTo
	plain = append(plain, slices.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain)
}

// Open decrypts what Seal encrypted, and checks every byte of it.
func Open(aesKey, appID, sealed string) (string, error) {
	block, key := cipherOf(aesKey)
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(text) == 0 || len(text)%padTo != 0 {
		return "", fmt.Errorf("the ciphertext is not base64 of blocks: %w", err)
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > padTo || slices.ContainsFunc(text[len(text)-pad:], func(b byte) bool { return int(b) != pad }) {
		return "", errors.New("the padding is wrong")
	}
	text = text[:len(text)-pad]
	if len(text) < 20 {
		return "", errors.New("the plaintext is too short")
	}
	n := int(binary.BigEndian.Uint32(text[16:20]))
	if 20+n > len(text) {
		return "", errors.New("the length is wrong")
	}
	if string(text[20+n:]) != appID {
		return "", errors.New("it is for another app id")
	}
	return string(text[20 : 20+n]), nil
}

func cipherOf(aesKey string) (cipher.Block, []byte) {
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(key) != 32 {
		panic("the EncodingAESKey of a test is malformed")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return block, key
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
