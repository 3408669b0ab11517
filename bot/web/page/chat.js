// The merchant's chat. What was said is what the server says was said, ordered
// by its sequence numbers: from the history, from the answers to what is sent,
// and from the stream. What the merchant writes is kept here, under an id made
// here, until the server has it; it is sent again under the same id, so nothing
// is lost and nothing is said twice.

const catalogue = JSON.parse(document.body.dataset.words);
const byID = (id) => document.getElementById(id);
const log = byID("log"), scroller = byID("scroll"), form = byID("form"), field = byID("text"), picker = byID("photo");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// --- What is kept on this device ---

const memory = new Map(); // for browsers that keep nothing
const kept = {
  get(key) {
    if (memory.has(key)) return memory.get(key);
    try { return localStorage.getItem("tilldesk." + key); } catch { return null; }
  },
  set(key, value) {
    try {
      localStorage.setItem("tilldesk." + key, value);
      memory.delete(key);
    } catch { memory.set(key, value); }
  },
  drop(key) {
    memory.delete(key);
    try { localStorage.removeItem("tilldesk." + key); } catch { /* nothing was kept */ }
  },
  keys(prefix) {
    const found = [...memory.keys()];
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i);
        if (key.startsWith("tilldesk.")) found.push(key.slice("tilldesk.".length));
      }
    } catch { /* only what is in memory */ }
    return found.filter((key) => key.startsWith(prefix));
  },
};

function newID(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

let conversation = kept.get("conversation");
if (!/^[A-Za-z0-9_-]{16,64}$/.test(conversation ?? "")) {
  conversation = newID(24);
  kept.set("conversation", conversation);
}
const talk = "conversation=" + conversation;

// --- Language ---

let lang = kept.get("lang");
if (!catalogue[lang]) lang = document.body.dataset.lang;
const word = (key) => catalogue[lang][key] ?? key;

function speak(next) {
  lang = next;
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = word(e.dataset.t);
  for (const e of document.querySelectorAll("[data-t-label]")) e.setAttribute("aria-label", word(e.dataset.tLabel));
  for (const e of document.querySelectorAll("[data-t-title]")) e.title = word(e.dataset.tTitle);
  for (const e of document.querySelectorAll("[data-t-placeholder]")) e.placeholder = word(e.dataset.tPlaceholder);
  byID("switch").lang = lang === "zh" ? "en" : "zh-CN";
  nodes.clear();
  render();
}

// --- What was said ---

const messages = new Map(); // by seq
let last = 0; // everything up to here is known
let state = { phase: "idle", ticket: null };
let waiting = []; // written and not known to be at the server, oldest first
let asking = false; // an answer is under way
let typing = false; // and takes long enough to be worth showing
let unread = 0;
let quiet = true; // while the history is loaded nothing is announced

for (const key of kept.keys("waiting.")) {
  try { waiting.push(JSON.parse(kept.get(key))); } catch { kept.drop(key); }
}
waiting.sort((a, b) => a.at - b.at);

function merge(list) {
  for (const m of list) {
    last = Math.max(last, m.seq);
    if (messages.has(m.seq)) continue;
    messages.set(m.seq, m);
    if (m.author === "merchant") {
      forget(m.message_id);
    } else if (!quiet) {
      announce(word(m.author === "staff" ? "staff" : "assistant") + ": " + (m.text || word("photo_of_staff")));
      if (document.hidden) unread++;
    }
  }
  render();
}

function know(next) {
  state = next;
  render();
}

function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  const region = byID("announce");
  region.append(line);
  while (region.childElementCount > 4) region.firstElementChild.remove();
}

// --- The page ---

const nodes = new Map(); // by key, so that what stands there stays there

function node(key, make) {
  if (!nodes.has(key)) nodes.set(key, make());
  return nodes.get(key);
}

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function bubble(author, text, picture) {
  const line = element("div", "line " + author + (quiet ? "" : " fresh"));
  const name = { merchant: "you", staff: "staff" }[author] ?? "assistant";
  line.append(element("span", "author", word(name)));
  if (picture) line.append(picture);
  if (text) line.append(element("div", "bubble", text));
  return line;
}

function picture(src, href, name = "photo_of_you") {
  const frame = element(href ? "a" : "div", "bubble picture");
  if (href) {
    frame.href = href;
    frame.target = "_blank";
    frame.rel = "noopener";
    frame.setAttribute("aria-label", word(name) + " – " + word("photo_open"));
  }
  const img = element("img");
  img.alt = word(name);
  img.addEventListener("load", () => { if (following) toEnd(); });
  img.src = src;
  frame.append(img);
  return frame;
}

function messageNode(m) {
  const url = m.photo && `/api/photo?${talk}&message_id=${m.message_id}`;
  const line = bubble(m.author, m.text, url && picture(url, url));
  for (const file of m.media ?? []) line.append(picture(file.url, file.url, "photo_of_staff"));
  if (m.kind === "notice") line.classList.add("notice-line");
  if (m.kind === "escalated") line.classList.add("escalated");
  if (m.masked) line.append(element("p", "meta", word("masked")));
  return line;
}

function waitingNode(item) {
  const line = bubble("merchant", item.text, item.photo && picture(URL.createObjectURL(blobOf(item.photo))));
  line.classList.add("waiting", "first");
  line.append(element("p", "meta"));
  return line;
}

function updateWaiting(line, item, first) {
  const meta = line.lastElementChild;
  const text = item.error ? word("failed") + ": " + item.error : word(first && asking ? "sending" : "queued");
  if (meta.dataset.text === text) return;
  meta.dataset.text = text;
  meta.replaceChildren(text);
  line.classList.toggle("failed", Boolean(item.error));
  if (!item.error) return;
  const remove = element("button", "", word("remove"));
  remove.type = "button";
  remove.addEventListener("click", () => {
    forget(item.id);
    render();
    field.focus();
  });
  meta.append(remove);
}

function choicesNode(m) {
  const group = element("div", "choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", word("choose"));
  for (const c of m.choices) {
    const button = element("button", "", c.label);
    button.type = "button";
    button.addEventListener("click", () => {
      log.focus({ preventScroll: true }); // the button is about to go
      send({ text: c.label, choice: c.id });
    });
    group.append(button);
  }
  return group;
}

function timeText(at) {
  const day = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const days = Math.round((day(new Date()) - day(at)) / 86_400_000);
  const hour = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(at);
  if (days <= 0) return hour;
  if (days === 1) return word("yesterday") + " " + hour;
  return new Intl.DateTimeFormat(document.documentElement.lang, { month: "short", day: "numeric" }).format(at) + " " + hour;
}

function typingNode() {
  const dots = element("div", "typing");
  dots.setAttribute("role", "img");
  dots.setAttribute("aria-label", word("typing"));
  dots.append(element("i"), element("i"), element("i"));
  return dots;
}

// wanted lists what is to stand in the log, from the top.
function wanted() {
  const list = [];
  const said = [...messages.values()].sort((a, b) => a.seq - b.seq);
  const lastMine = said.findLastIndex((m) => m.author === "merchant");
  const open = waiting.every((item) => item.error) && state.phase !== "with_human";
  let before = null;
  said.forEach((m, i) => {
    const gap = !before || Date.parse(m.at) - Date.parse(before.at) > 10 * 60_000;
    if (gap) list.push(node("time" + m.seq, () => element("div", "time", timeText(new Date(m.at)))));
    if (m.text || m.photo || m.media) {
      const line = node("said" + m.seq, () => messageNode(m));
      line.classList.toggle("first", gap || before.author !== m.author);
      list.push(line);
    }
    if (open && i > lastMine && m.choices.length > 0) list.push(node("choices" + m.seq, () => choicesNode(m)));
    before = m;
  });
  waiting.forEach((item, i) => {
    const line = node("waiting" + item.id, () => waitingNode(item));
    updateWaiting(line, item, i === 0);
    list.push(line);
  });
  if (typing && state.phase !== "with_human") list.push(node("typing", typingNode));
  return list;
}

let following = true; // the end is in view, and stays so

function render() {
  const list = wanted();
  const fresh = list.some((e) => !e.isConnected && e.classList.contains("line"));
  const standing = new Set(list);
  for (const e of [...log.children]) if (!standing.has(e)) e.remove();
  list.forEach((e, i) => { if (log.children[i] !== e) log.insertBefore(e, log.children[i] ?? null); });

  const person = state.phase === "with_human";
  field.dataset.tPlaceholder = person ? "placeholder_person" : "placeholder";
  field.placeholder = word(field.dataset.tPlaceholder);
  byID("empty").hidden = list.length > 0;
  byID("person").hidden = !person;
  byID("subtitle").hidden = person;
  byID("person").title = person ? word("with_person_hint") : "";
  byID("ticket").textContent = person && state.ticket ? "· " + word("ticket") + " " + state.ticket : "";
  document.title = (unread > 0 ? `(${unread}) ` : "") + word("title");
  if (following) toEnd();
  else if (fresh) byID("latest").hidden = false;
}

function toEnd() {
  following = true;
  byID("latest").hidden = true;
  scroller.scrollTop = scroller.scrollHeight;
}

scroller.addEventListener("scroll", () => {
  following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  if (following) byID("latest").hidden = true;
}, { passive: true });
new ResizeObserver(() => { if (following) toEnd(); }).observe(scroller);
byID("latest").addEventListener("click", () => {
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: calm.matches ? "instant" : "smooth" });
});

function notice(key) {
  const e = byID("notice");
  const text = key ? word(key) : "";
  if (e.textContent !== text) e.textContent = text;
  e.hidden = !key;
}

// --- Sending ---

function send(item) {
  Object.assign(item, { id: newID(18), at: Date.now() });
  waiting.push(item);
  kept.set("waiting." + item.id, JSON.stringify(item));
  following = true;
  render();
  pump();
}

function forget(id) {
  waiting = waiting.filter((item) => item.id !== id);
  kept.drop("waiting." + id);
}

function request(item) {
  const headers = { "Accept-Language": lang };
  if (item.photo) {
    return fetch(`/api/photo?${talk}&message_id=${item.id}&after=${last}`, {
      method: "POST", body: blobOf(item.photo), headers, signal: AbortSignal.timeout(180_000),
    });
  }
  return fetch("/api/chat", {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ conversation, message_id: item.id, text: item.text, choice: item.choice, after: last }),
    signal: AbortSignal.timeout(35_000),
  });
}

let pumping = false;

// pump sends what waits, one after the other, until nothing does.
async function pump() {
  if (pumping) return;
  pumping = true;
  const pause = backoff();
  for (let item; (item = waiting.find((w) => !w.error));) {
    ask(true);
    let wait = 0;
    try {
      const response = await request(item);
      const body = await response.json().catch(() => null); // null: somebody between us and the server answered
      if (response.ok && body) {
        forget(item.id);
        state = body.now;
        merge(body.messages);
        pause.reset();
        notice("");
        continue;
      }
      if (response.status < 500 && ![408, 425, 429].includes(response.status)) {
        item.error = body?.error ?? String(response.status);
        kept.set("waiting." + item.id, JSON.stringify(item));
        announce(word("failed") + ": " + item.error);
        continue;
      }
      wait = 1000 * Number(response.headers.get("Retry-After") ?? 0);
    } catch { /* no connection, or one that broke */ }
    ask(false);
    notice(navigator.onLine ? "retrying" : "offline");
    await pause.next(wait);
  }
  pumping = false;
  ask(false);
  notice(navigator.onLine ? "" : "offline");
}

let typingTimer = 0;

// ask notes whether an answer is under way. Dots that only flash say nothing.
function ask(now) {
  asking = now;
  log.setAttribute("aria-busy", String(now));
  clearTimeout(typingTimer);
  typing = typing && now;
  if (now && !typing) {
    typingTimer = setTimeout(() => {
      typing = true;
      render();
    }, 300);
  }
  render();
}

// backoff waits longer each time, and no longer once the network is back.
function backoff() {
  let delay = 1000;
  return {
    reset() { delay = 1000; },
    next(atLeast = 0) {
      const ms = Math.max(atLeast, delay * (0.5 + Math.random()));
      delay = Math.min(delay * 2, 30_000);
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          removeEventListener("online", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        addEventListener("online", done);
      });
    },
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  kept.drop("draft");
  fit();
  send({ text });
  field.focus();
});

let newline = false; // the next line break is meant as one

field.addEventListener("keydown", (event) => {
  newline = event.key === "Enter" && event.shiftKey;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
});

// Keyboards of phones do not always name the key that they were touched on.
field.addEventListener("beforeinput", (event) => {
  if (event.inputType !== "insertLineBreak" || newline || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

field.addEventListener("input", () => {
  kept.set("draft", field.value);
  fit();
});

// fit makes the field as high as its text, where the style sheet cannot.
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = field.scrollHeight + 3 + "px";
}

for (const button of document.querySelectorAll(".examples button")) {
  button.addEventListener("click", () => {
    log.focus({ preventScroll: true });
    send({ text: button.textContent });
  });
}

// --- Photos ---

function blobOf(url) {
  const [head, body] = url.split(",");
  const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] });
}

function urlOf(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// smaller makes a picture that a slow line can take and the screen of a
// terminal can still be read on.
async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    const canvas = element("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const paper = canvas.getContext("2d");
    paper.fillStyle = "#fff";
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.82));
    return blob ?? file;
  } catch {
    return file; // the server says what is wrong with it
  }
}

async function sendPhoto(file) {
  const blob = await smaller(file);
  if (blob.size > 10 << 20) {
    notice("photo_large");
    return;
  }
  send({ photo: await urlOf(blob) });
}

picker?.addEventListener("change", () => {
  const file = picker.files[0];
  picker.value = "";
  if (file) sendPhoto(file);
});

field.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((f) => f.type.startsWith("image/"));
  if (!picker || !file) return;
  event.preventDefault();
  sendPhoto(file);
});

// --- Receiving ---

let source = null, watchdog = 0;

// listen follows the conversation. The browser re-connects by itself; what it
// gives up on, or does not notice, the watchdog does: the server shows every
// 15 s that the line is alive.
function listen() {
  source?.close();
  alive();
  source = new EventSource(`/api/chat?${talk}&after=${last}`);
  const take = (event) => {
    alive();
    merge([JSON.parse(event.data)]);
  };
  source.addEventListener("message", take);
  source.addEventListener("mine", take);
  source.addEventListener("state", (event) => {
    alive();
    know(JSON.parse(event.data));
  });
  source.addEventListener("beat", alive);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) alive(5000 + 5000 * Math.random());
  });
}

function alive(wait) {
  clearTimeout(watchdog);
  watchdog = setTimeout(listen, typeof wait === "number" ? wait : 40_000);
}

async function load() {
  const pause = backoff();
  for (;;) {
    try {
      const response = await fetch(`/api/chat?${talk}&after=${last}`, {
        headers: { Accept: "application/json", "Accept-Language": lang }, signal: AbortSignal.timeout(20_000),
      });
      if (response.ok) {
        const body = await response.json();
        state = body.state;
        merge(body.messages);
        if (body.more) continue;
        if (waiting.length === 0) notice("");
        quiet = false;
        return;
      }
    } catch { /* tried again below */ }
    quiet = false;
    notice(navigator.onLine ? "unloaded" : "offline");
    await pause.next();
  }
}

addEventListener("online", () => {
  notice("");
  listen();
});
addEventListener("offline", () => notice("offline"));
addEventListener("storage", (event) => { // another tab of the same chat
  if (event.key === "tilldesk.lang" && catalogue[event.newValue]) speak(event.newValue);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  render();
  listen(); // a phone that slept may hold a dead line
});
byID("switch").addEventListener("click", () => {
  kept.set("lang", lang === "zh" ? "en" : "zh");
  speak(lang === "zh" ? "en" : "zh");
});
if (document.body.classList.contains("embedded")) {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") parent.postMessage("tilldesk:close", "*");
  });
}

field.value = kept.get("draft") ?? "";
fit();
speak(lang);
if (!navigator.onLine) notice("offline");
if (!matchMedia("(pointer: coarse)").matches) field.focus(); // no keyboard over half of a phone
await load();
listen();
pump();
