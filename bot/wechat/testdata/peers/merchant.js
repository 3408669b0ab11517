// A merchant's phone, made of other people's code: it reads a JSON object per
// line, does what it says, and writes what came of it as a JSON object.
//
//   {"do": "say", "with": "wechat-crypto" | "node-easywechat" | "plain", "text": ...}
//   {"do": "send", "to": ..., "text": ...}   through the API, with co-wechat-api
'use strict'
const crypto = require('crypto')
const http = require('http')
const readline = require('readline')
const { parseStringPromise } = require('xml2js')
const WXBizMsgCrypt = require('wechat-crypto')
const Encryptor = require('node-easywechat/dist/Core/Encryptor')
const WechatAPI = require('co-wechat-api')

const { callback, api, appid, secret, token, aesKey, original, openid } = JSON.parse(process.argv[2])
const first = new WXBizMsgCrypt(token, aesKey, appid)
const second = new (Encryptor.default || Encryptor)(appid, token, aesKey, appid)
const client = new WechatAPI(appid, secret)
client.prefix = api + '/cgi-bin/'

const sha1 = (...parts) => crypto.createHash('sha1').update(parts.sort().join('')).digest('hex')
const read = (xml) => parseStringPromise(xml, { explicitArray: false })
let last = 9000000000

function post (query, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(callback + '?' + new URLSearchParams(query), { method: 'POST', headers: { 'Content-Type': 'text/xml' } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => { text += chunk })
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function say (way, content) {
  const now = Math.floor(Date.now() / 1000)
  const inner = `<xml><ToUserName><![CDATA[${original}]]></ToUserName><FromUserName><![CDATA[${openid}]]></FromUserName>` +
    `<CreateTime>${now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${content}]]></Content><MsgId>${++last}</MsgId></xml>`
  const timestamp = String(now)
  const nonce = crypto.randomBytes(8).toString('hex')
  const query = { timestamp, nonce, signature: sha1(token, timestamp, nonce), openid }
  const answer = async (plain) => {
    const reply = (await read(plain)).xml
    if (reply.ToUserName !== openid || reply.FromUserName !== original) throw new Error('the reply is not for us')
    if (Math.abs(Number(reply.CreateTime) - now) > 60) throw new Error('the reply was made at ' + reply.CreateTime)
    return { status: 200, kind: reply.MsgType, text: reply.Content }
  }
  if (way === 'plain') {
    const { status, text } = await post(query, inner)
    return status !== 200 ? { status } : text === 'success' ? { status, text: '' } : answer(text)
  }
  query.encrypt_type = 'aes'
  let sealed
  if (way === 'wechat-crypto') {
    sealed = first.encrypt(inner)
    query.msg_signature = first.getSignature(timestamp, nonce, sealed)
  } else {
    const envelope = (await read(second.encrypt(inner, nonce, now))).xml
    sealed = envelope.Encrypt
    query.msg_signature = envelope.MsgSignature
  }
  const { status, text } = await post(query, `<xml><ToUserName><![CDATA[${original}]]></ToUserName><Encrypt><![CDATA[${sealed}]]></Encrypt></xml>`)
  if (status !== 200) return { status }
  if (text === 'success') return { status, text: '' }
  const { Encrypt, MsgSignature, TimeStamp, Nonce } = (await read(text)).xml
  let plain
  if (way === 'wechat-crypto') {
    if (first.getSignature(TimeStamp, Nonce, Encrypt) !== MsgSignature) throw new Error('the signature of the reply is wrong')
    const opened = first.decrypt(Encrypt)
    if (opened.id !== appid) throw new Error('the reply is for ' + opened.id)
    plain = opened.message
  } else {
    plain = String(second.decrypt(Encrypt, MsgSignature, Nonce, TimeStamp))
  }
  return answer(plain)
}

async function send (to, text) {
  try {
    return await client.sendText(to, text)
  } catch (error) {
    if (typeof error.code !== 'number') throw error
    return { errcode: error.code, errmsg: error.message }
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const task = JSON.parse(line)
  const done = task.do === 'say' ? say(task.with, task.text) : send(task.to, task.text)
  done.catch((error) => ({ error: String(error) })).then((result) => console.log(JSON.stringify(result)))
})
