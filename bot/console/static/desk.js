// The desk's pages work without this script: links load pages, forms post.
// It keeps them live (what changes on the server changes here, in place), sends
// forms without leaving the page, and adds keys, drafts and alerts.

const page = document.body.dataset;
const words = JSON.parse(page.words);
const byID = (id) => document.getElementById(id);
const word = (key, ...values) => (words[key] ?? key).replace(/\{(\d)\}/g, (_, n) => values[n] ?? "");

// --- What is kept on this device ---

const kept = {
  get(key) { try { return localStorage.getItem("tilldesk.desk." + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem("tilldesk.desk." + key, value); } catch { /* this browser keeps nothing */ } },
  drop(key) { try { localStorage.removeItem("tilldesk.desk." + key); } catch { /* nothing was kept */ } },
  keys() { try { return Object.keys(localStorage).filter((k) => k.startsWith("tilldesk.desk.")).map((k) => k.slice(14)); } catch { return []; } },
};

function newID() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// --- Refreshing in place ---

// Pages come from our own server, which escapes what strangers wrote; the
// policy of the page lets nothing else be made into HTML.
const policy = window.trustedTypes?.createPolicy("desk", { createHTML: (html) => html });
const parse = (html) => new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");

const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");

// morph makes one element like another and keeps whatever is the same, so that
// focus, selection and scrolling stay. What is open stays as it is.
function morph(old, now) {
  if (old.isEqualNode(now) || old.nodeType === 1 && (old.hasAttribute("data-keep") || old.matches("details[open]"))) return;
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) {
    old.replaceWith(now);
    return;
  }
  if (old.nodeType !== 1) {
    old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const standing = new Map();
  for (const child of old.childNodes) if (keyOf(child)) standing.set(keyOf(child), child);
  let at = old.firstChild;
  for (const next of [...now.childNodes]) {
    const key = keyOf(next);
    let match = key ? standing.get(key) : at && !keyOf(at) && at.nodeName === next.nodeName ? at : null;
    if (!match) {
      old.insertBefore(next, at);
      if (next.nodeType === 1 && next.matches(".row")) next.classList.add("new-here");
      continue;
    }
    standing.delete(key);
    if (match === at) at = at.nextSibling;
    else old.insertBefore(match, at);
    morph(match, next);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  for (const gone of standing.values()) if (gone.parentNode === old) gone.remove();
}

// later calls back once, soon, and at most once within the pause.
function later(pause, call) {
  let due = 0, timer = 0, busy = false, again = false;
  const run = async () => {
    timer = 0;
    busy = true;
    again = false;
    try { await call(); } finally {
      busy = false;
      due = Date.now() + pause;
      if (again) ask();
    }
  };
  const ask = () => {
    if (busy) again = true;
    else timer ||= setTimeout(run, Math.max(30, due - Date.now()));
  };
  return ask;
}

async function load(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(15_000) });
  if (answer.redirected || answer.status === 401) {
    location.reload(); // signed out, or the page has moved
    return null;
  }
  return answer.ok ? parse(await answer.text()) : null;
}

let acted = false; // a form of this page was sent since it was refreshed

async function replace(url) {
  let fresh;
  try { fresh = await load(url); } catch { return; /* the line is broken; the stream will say when it is back */ }
  if (!fresh) return;
  const end = atEnd(), at = document.activeElement;
  for (const now of fresh.querySelectorAll("[data-live]")) {
    const old = byID(now.id);
    if (old) morph(old, now);
  }
  const title = fresh.querySelector("title");
  if (title) document.title = title.textContent;
  // Whoever did something with the keyboard goes on beside it, though its button
  // may have gone with what was done.
  if (acted && at && !at.isConnected) byID("acts")?.querySelector("button, summary")?.focus({ preventScroll: true });
  acted = false;
  if (end) toEnd();
  ages();
  document.dispatchEvent(new Event("refreshed"));
}

const refresh = later(Number(page.pause ?? 1000), () => replace(location.href));
const refreshRail = later(3000, () => replace("/desk/rail?here=" + page.here));

// --- Ages ---

// ages writes how long ago things were, as the server did when it made the page.
function ages() {
  for (const e of document.querySelectorAll("time[data-age]")) {
    const minutes = Math.max(0, Math.floor((Date.now() / 1000 - Number(e.dataset.age)) / 60));
    const text = minutes < 60 ? word("age.minutes", minutes)
      : minutes < 48 * 60 ? word("age.hours", Math.floor(minutes / 60)) : word("age.days", Math.floor(minutes / 1440));
    if (e.textContent !== text) e.textContent = text;
  }
}
setInterval(ages, 20_000);

// --- The stream ---

let last = Number(page.last ?? 0); // events up to here are on this page
const channel = "BroadcastChannel" in window ? new BroadcastChannel("tilldesk.desk") : null;

function seen(event) {
  if (event.id <= last) return;
  last = event.id;
  if (page.ticket && page.ticket === event.ticket || page.follows === "all") refresh();
  else refreshRail();
}

function present(news) {
  if (page.ticket && page.ticket === news.ticket || page.follows === "all") refresh();
}

function line(up) { byID("line").hidden = up; }

// follow keeps a stream open and goes on after the last event that is here.
function follow() {
  let wait = 1000;
  const open = () => {
    const source = new EventSource("/desk/events?after=" + last);
    const pass = (kind, act) => source.addEventListener(kind, (message) => {
      const data = JSON.parse(message.data);
      if (kind === "desk") alertOf(data);
      act(data);
      channel?.postMessage({ [kind]: data });
    });
    pass("desk", seen);
    pass("presence", present);
    source.addEventListener("again", () => location.reload());
    source.addEventListener("open", () => {
      wait = 1000;
      line(true);
      channel?.postMessage({ up: true });
    });
    source.addEventListener("error", () => {
      line(false);
      channel?.postMessage({ up: false });
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      fetch("/desk/rail", { redirect: "manual" }).then((answer) => {
        if (answer.type === "opaqueredirect" || answer.status === 401) location.reload();
      }, () => {});
      setTimeout(open, wait * (0.5 + Math.random()));
      wait = Math.min(2 * wait, 15_000);
    });
  };
  open();
}

channel?.addEventListener("message", ({ data }) => {
  if (data.desk) seen(data.desk);
  if (data.presence) present(data.presence);
  if ("up" in data) line(data.up);
});
// Browsers open few connections to one server, so of all tabs one follows, and
// tells the others; when it is closed the next one does.
if (page.follows !== "none") {
  if (channel && navigator.locks) navigator.locks.request("tilldesk.desk.stream", () => new Promise(follow));
  else follow();
}

// --- Alerts ---

const wantsAlerts = () => kept.get("alerts") === "on";

// alertOf tells of a case that needs somebody, once for all tabs.
function alertOf(event) {
  if (!event.alert || !wantsAlerts() || event.id <= Number(kept.get("alerted") ?? 0)) return;
  kept.set("alerted", event.id);
  ring();
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  let note;
  try { note = new Notification(event.alert, { tag: "tilldesk-" + event.ticket, icon: page.icon }); } catch { return; /* phones have none for pages */ }
  note.addEventListener("click", () => {
    window.focus();
    location.href = "/desk/case/" + encodeURIComponent(event.ticket);
  });
}

// ring plays two short notes.
function ring() {
  try {
    const audio = new AudioContext();
    for (const [pitch, start] of [[660, 0], [880, 0.16]]) {
      const tone = audio.createOscillator(), gain = audio.createGain();
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0.12, audio.currentTime + start);
      gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + start + 0.3);
      tone.connect(gain).connect(audio.destination);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.32);
    }
    setTimeout(() => audio.close(), 1000);
  } catch { /* no sound here */ }
}

const bell = byID("alerts");
function showBell() {
  bell?.setAttribute("aria-pressed", String(wantsAlerts()));
  bell?.setAttribute("aria-label", word(wantsAlerts() ? "alerts.on" : "alerts.off"));
  if (bell) bell.title = word(wantsAlerts() ? "alerts.on" : "alerts.off");
}
bell?.addEventListener("click", async () => {
  kept.set("alerts", wantsAlerts() ? "off" : "on");
  showBell();
  if (!wantsAlerts()) return;
  ring();
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
});
if (bell) bell.hidden = false;
showBell();

// --- Forms ---

function tell(text, bad) {
  const told = byID("told");
  told.textContent = text;
  told.classList.toggle("bad", Boolean(bad));
  told.hidden = !text;
  if (text) told.scrollIntoView({ block: "nearest" });
}

// post sends a form and returns the answer, or null after it has told why not.
async function post(url, fields, within = 30_000) {
  let answer, body;
  try {
    answer = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, body: fields, signal: AbortSignal.timeout(within) });
    body = await answer.json().catch(() => null);
  } catch {
    tell(word("not_sent"), true);
    return null;
  }
  if (answer.status === 401) {
    location.reload();
    return null;
  }
  if (!answer.ok || !body) {
    tell(body?.error ?? word("not_sent"), true);
    refresh();
    return null;
  }
  tell(body.told ?? "");
  return body;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-act]") || event.defaultPrevented) return;
  if (form.dataset.sure && !confirm(form.dataset.sure)) {
    event.preventDefault();
    return;
  }
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  const body = await post(event.submitter?.getAttribute("formaction") || form.action, fields);
  if (!body) return;
  const open = form.closest("details.pop[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
  acted = true;
  if (form.dataset.act === "clear") form.reset();
  if (body.go) location.href = body.go;
  else refresh();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-go]")) event.target.form.requestSubmit();
});

// What opens at a button closes with Escape and with a click elsewhere.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.pop[open]")) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details.pop[open]")) event.target.querySelector(".sheet input:not([type=hidden]), .sheet select, .sheet textarea, .sheet button, .sheet a")?.focus();
}, true);

// Drafts are somebody's words: nobody else who signs in here finds them.
if (kept.get("me") !== page.me) for (const key of kept.keys()) if (key.startsWith("draft.")) kept.drop(key);
kept.set("me", page.me);

// --- The talk ---

const scroller = byID("scroll");
let following = true;
const atEnd = () => scroller && following;
function toEnd() {
  if (!scroller) return;
  scroller.scrollTop = scroller.scrollHeight;
  following = true;
  byID("to-end").hidden = true;
}
scroller?.addEventListener("scroll", () => {
  following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  if (following) byID("to-end").hidden = true;
}, { passive: true });
scroller?.addEventListener("load", () => { if (following) toEnd(); }, true); // of pictures
byID("to-end")?.addEventListener("click", toEnd);
document.addEventListener("refreshed", () => { if (scroller && !following) byID("to-end").hidden = false; });
toEnd();

// --- The composer ---

const composer = byID("compose");
if (composer) {
  const field = byID("say"), id = composer.elements.id, picker = byID("picker"), counter = byID("counter");
  const picture = composer.elements.picture, picked = byID("picked");
  const draft = "draft." + page.ticket;
  const noteMode = () => composer.elements.as.value === "note";
  try {
    const had = JSON.parse(kept.get(draft) ?? "null");
    if (had && !field.value) {
      field.value = had.text;
      id.value = had.id; // the same message sent again is the same message
      if (had.note) composer.querySelector("[name=as][value=note]").checked = true;
    }
  } catch { kept.drop(draft); }

  const show = () => {
    composer.classList.toggle("note-mode", noteMode());
    field.placeholder = word(noteMode() ? "compose.note" : "compose.reply");
    byID("attach").hidden = picture.disabled = noteMode();
    picked.hidden = noteMode() || picture.files.length === 0;
    picked.querySelector("bdi").textContent = picture.files[0]?.name ?? "";
    // Of several talks, what may be sent is said of the one that is chosen.
    const to = composer.elements.to?.value;
    for (const e of document.querySelectorAll("#windows .window")) e.hidden = noteMode() || to !== undefined && e.dataset.talk !== to;
    const left = Number(field.maxLength) - field.value.length;
    counter.textContent = left < 300 ? word("compose.left", left) : "";
  };
  const keep = () => {
    if (field.value) kept.set(draft, JSON.stringify({ text: field.value, id: id.value, note: noteMode() }));
    else kept.drop(draft);
    show();
  };
  field.addEventListener("input", () => {
    keep();
    pick();
    here(true);
  });
  composer.addEventListener("change", keep);
  document.addEventListener("refreshed", show);
  picked.querySelector("button").addEventListener("click", () => {
    picture.value = "";
    show();
    picture.focus();
  });
  show();

  let sending = false;
  composer.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = !picture.disabled && picture.files.length > 0;
    if (sending || !field.value.trim() && !chosen) return;
    sending = true;
    composer.setAttribute("aria-busy", "true");
    const text = field.value, form = new FormData(composer);
    if (!chosen) form.delete("picture");
    const fields = chosen ? form : new URLSearchParams(form);
    field.value = ""; // the draft is kept until the server has it
    const body = await post(composer.action, fields, chosen ? 150_000 : undefined);
    sending = false;
    composer.removeAttribute("aria-busy");
    if (!body) {
      field.value = text + (field.value && "\n" + field.value);
      keep();
      return;
    }
    id.value = newID();
    if (chosen) picture.value = "";
    keep();
    following = true;
    here(false);
    refresh();
    field.focus();
  });

  let newline = false; // the next line break is meant as one
  // Keyboards of phones do not always name the key that they were touched on.
  field.addEventListener("beforeinput", (event) => {
    if (event.inputType !== "insertLineBreak" || newline || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  field.addEventListener("keydown", (event) => {
    newline = event.key === "Enter" && event.shiftKey;
    if (event.isComposing || event.keyCode === 229) return;
    if (!picker.hidden && pickKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      composer.requestSubmit();
    } else if (event.key === "Escape") {
      field.blur();
    }
  });

  // "/" at the start of a line looks for a canned reply.
  let options = [], chosen = 0, asked = 0;
  const slash = () => /(?:^|\n)\/([^\n]*)$/.exec(field.value.slice(0, field.selectionStart));
  async function pick() {
    const found = slash();
    if (!found) {
      picker.hidden = true;
      field.removeAttribute("aria-activedescendant");
      return;
    }
    const mine = ++asked;
    let list = [];
    try {
      const answer = await fetch("/desk/case/" + encodeURIComponent(page.ticket) + "/canned?q=" + encodeURIComponent(found[1]));
      if (answer.ok) list = await answer.json();
    } catch { /* the list stays empty */ }
    if (mine !== asked || !slash()) return;
    options = list;
    chosen = 0;
    showOptions();
  }
  function showOptions() {
    picker.replaceChildren(...options.map((o, i) => {
      const e = document.createElement("div");
      e.role = "option";
      e.id = "option-" + i;
      e.ariaSelected = String(i === chosen);
      const name = document.createElement("b"), text = document.createElement("span");
      name.textContent = o.name;
      text.textContent = o.text;
      e.append(name, text);
      e.addEventListener("mousedown", (event) => {
        event.preventDefault();
        choose(i);
      });
      return e;
    }));
    if (options.length === 0) {
      const none = document.createElement("div");
      none.className = "none";
      none.textContent = word("canned.none");
      picker.append(none);
    }
    picker.hidden = false;
    field.setAttribute("aria-activedescendant", options.length ? "option-" + chosen : "");
    picker.children[chosen]?.scrollIntoView({ block: "nearest" });
  }
  function choose(i) {
    const found = slash();
    if (!found || !options[i]) return;
    const start = field.selectionStart - found[1].length - 1;
    field.setRangeText(options[i].text, start, field.selectionStart, "end");
    picker.hidden = true;
    keep();
  }
  function pickKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      chosen = (chosen + step + options.length) % options.length;
      showOptions();
    } else if ((event.key === "Enter" || event.key === "Tab") && options.length) {
      choose(chosen);
    } else if (event.key === "Escape") {
      picker.hidden = true;
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }
  field.addEventListener("blur", () => { picker.hidden = true; });

  // A passage or a suggestion goes into the field, to be read before it is sent.
  document.addEventListener("click", (event) => {
    const use = event.target.closest("[data-use]");
    if (!use) return;
    composer.querySelector("[name=as][value=reply]").checked = true;
    field.value = (field.value.trim() ? field.value.trimEnd() + "\n" : "") + use.dataset.use;
    keep();
    field.focus();
    field.scrollIntoView({ block: "nearest" });
  });
}

// --- Presence ---

let toldTyping = 0;
// here tells the others that this case is open here, and whether somebody types.
function here(typing) {
  if (!page.ticket || document.hidden) return;
  if (typing && Date.now() - toldTyping < 3000) return;
  if (typing) toldTyping = Date.now();
  fetch("/desk/case/" + encodeURIComponent(page.ticket) + "/here", { method: "POST", body: new URLSearchParams({ typing: typing ? "1" : "" }) }).catch(() => {});
}
if (page.ticket) {
  here(false);
  setInterval(() => here(false), 20_000);
  document.addEventListener("visibilitychange", () => here(false));
  addEventListener("pagehide", () => navigator.sendBeacon?.("/desk/case/" + encodeURIComponent(page.ticket) + "/here", new URLSearchParams({ gone: "1" })));
}

// --- Keys ---

const help = byID("help"), keysOn = byID("keys-on");
if (keysOn) {
  keysOn.checked = kept.get("keys") !== "off";
  keysOn.addEventListener("change", () => kept.set("keys", keysOn.checked ? "on" : "off"));
}
byID("help-open")?.addEventListener("click", () => help.showModal());

let prefix = 0; // when "g" was pressed
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details.pop[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.matches("input, textarea, select, [contenteditable]")) return;
  if (help?.open || kept.get("keys") === "off" && event.key !== "?") return;
  const rows = [...document.querySelectorAll(".rows .row")];
  const at = rows.indexOf(document.activeElement);
  const click = (selector) => {
    const target = [...document.querySelectorAll(selector)].find((e) => e.checkVisibility() && !e.disabled);
    target?.click();
    return Boolean(target);
  };
  let done = true;
  if (Date.now() - prefix < 1200) {
    prefix = 0;
    done = click(`[data-goto="${CSS.escape(event.key)}"]`);
  } else if (event.key === "g") {
    prefix = Date.now();
  } else if (event.key === "j" || event.key === "k") {
    const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)));
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "o" && at >= 0) {
    rows[at].click();
  } else if (event.key === "t" && at >= 0) {
    const href = rows[at].href;
    post(href + "/take", new URLSearchParams()).then((body) => { if (body) location.href = href; });
  } else if (event.key === "r" && composer) {
    composer.querySelector("[name=as][value=reply]").click();
    byID("say").focus();
  } else if (event.key === "n" && composer) {
    composer.querySelector("[name=as][value=note]").click();
    byID("say").focus();
  } else if (event.key === "?") {
    help?.showModal();
  } else {
    done = click(`[data-hot="${CSS.escape(event.key)}"]`);
    if (done && event.key === "/") document.activeElement.select?.();
  }
  if (done) event.preventDefault();
});

ages();
document.body.dataset.awake = "yes"; // keys and forms do from here on what this script adds to them
