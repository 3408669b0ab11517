// Puts the chat into a shop's own site:
//   <script src="https://help.example/widget.js" async data-lang="zh"></script>
(() => {
  const script = document.currentScript;
  if (!script || document.querySelector("tilldesk-chat")) return;
  const home = new URL(script.src);
  const lang = (script.dataset.lang || document.documentElement.lang || navigator.language).toLowerCase().startsWith("en") ? "en" : "zh";
  const words = {
    zh: { open: "打开收款助手", close: "关闭收款助手", title: "收款助手" },
    en: { open: "Open payment help", close: "Close payment help", title: "Payment help" },
  }[lang];

  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial; }
    button { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom)); z-index: 2147483647;
      width: 60px; height: 60px; border: 0; border-radius: 50%; background: #0b6e5f; color: #fff; cursor: pointer;
      display: grid; place-items: center; box-shadow: 0 6px 20px rgb(0 0 0 / 25%); }
    button:focus-visible { outline: 3px solid #0b6e5f; outline-offset: 3px; }
    svg { width: 30px; height: 30px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    .close { display: none; }
    .open .close { display: block; }
    .open .talk { display: none; }
    iframe { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: 96px; z-index: 2147483646;
      width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 120px));
      border: 0; border-radius: 18px; background: #fff; color-scheme: light dark; box-shadow: 0 12px 44px rgb(0 0 0 / 28%); }
    iframe[hidden] { display: none; }
    @media (max-width: 520px) {
      iframe { inset: 0 0 auto 0; width: 100vw; height: calc(100dvh - 76px); border-radius: 0; box-shadow: none; }
      .open { bottom: 8px; }
    }
    @media (prefers-color-scheme: dark) { button { background: #5fcdb6; color: #06211b; } iframe { background: #101614; } }
  `);

  const host = document.createElement("tilldesk-chat");
  const root = host.attachShadow({ mode: "closed" });
  root.adoptedStyleSheets = [style];

  const icon = (name, d) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", name);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    svg.append(path);
    return svg;
  };
  const button = document.createElement("button");
  button.type = "button";
  button.append(icon("talk", "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-5 4v-4.1A2.5 2.5 0 0 1 4 13.5zM8 8.5h8M8 11.5h5"), icon("close", "M6 6l12 12M18 6 6 18"));
  root.append(button);

  let frame = null;
  const show = (open) => {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = words.title;
      frame.src = `${home.origin}${home.pathname.replace(/widget\.js$/, "")}?embed=1&lang=${lang}`;
      root.prepend(frame);
    }
    if (frame) frame.hidden = !open;
    button.classList.toggle("open", open);
    button.setAttribute("aria-label", open ? words.close : words.open);
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
  };
  button.addEventListener("click", () => show(!frame || frame.hidden));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && frame && !frame.hidden) {
      show(false);
      button.focus();
    }
  });
  addEventListener("message", (event) => {
    if (frame && event.source === frame.contentWindow && event.data === "tilldesk:close") {
      show(false);
      button.focus();
    }
  });
  show(false);
  (document.body ?? document.documentElement).append(host);
})();
