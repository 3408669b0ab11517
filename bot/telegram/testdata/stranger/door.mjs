// A door to telegram-test-api, a Bot API that strangers wrote: it takes only
// JSON and never waits. The door turns forms into JSON, lets getUpdates wait a bit,
// gives errors the form of the API, and answers what the API behind it lacks:
// files, menus, and users who have blocked the bot (POST /door/block).
import http from 'node:http';
import Emulator from 'telegram-test-api';

const [port, inner] = process.argv.slice(2).map(Number);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const lacking = {
  getWebhookInfo: { url: '', has_custom_certificate: false, pending_update_count: 0 },
  setMyCommands: true,
  getFile: { file_id: 'voice', file_unique_id: 'voice', file_size: 4, file_path: 'voice/file_1.oga' },
};
// What the API behind it gives back as it came, and must not be a string then.
const objects = new Set(['link_preview_options', 'reply_parameters']);
const blocked = new Set();

await new (Emulator.default ?? Emulator)({ port: inner, host: '127.0.0.1', storeTimeout: 600 }).start();

const parameters = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const type = request.headers['content-type'] ?? '';
  if (!body.length) return {};
  if (!type.startsWith('multipart/form-data')) return JSON.parse(body.toString());
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const values = [...form].filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(values.map(([key, value]) => [key, objects.has(key) ? JSON.parse(value) : value]));
};

const ask = async (url, body) => {
  const answer = await fetch(`http://127.0.0.1:${inner}${url}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return [answer.status, await answer.json()];
};

http.createServer(async (request, response) => {
  const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    const body = await parameters(request);
    const method = request.url.match(/^\/bot[^/]+\/(\w+)$/)?.[1];
    if (request.url.startsWith('/file/bot')) return response.writeHead(200).end('OggS');
    if (request.url === '/door/block') {
      blocked[body.blocked ? 'add' : 'delete'](String(body.chat));
      return reply(200, {});
    }
    if (method && blocked.has(String(body.chat_id))) {
      return reply(403, { ok: false, error_code: 403, description: 'Forbidden: bot was blocked by the user' });
    }
    if (method in lacking) return reply(200, { ok: true, result: lacking[method] });
    let [status, answer] = await ask(request.url, body);
    if (method === 'getUpdates') {
      const until = Date.now() + Math.min(Number(body.timeout ?? 0), 0.5) * 1000;
      while (!answer.result?.length && Date.now() < until && !response.destroyed) {
        await pause(50);
        [status, answer] = await ask(request.url, body);
      }
    }
    if (status >= 400) answer = { ok: false, error_code: status, description: answer.message };
    reply(status, answer);
  } catch (problem) {
    reply(500, { ok: false, error_code: 500, description: String(problem) });
  }
}).listen(port, '127.0.0.1', () => console.log('open'));
