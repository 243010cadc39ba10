/* The label page: one pair a screen, one key a vote.

   Paint first, save behind. A vote is written to localStorage before the next pair is painted and
   stays there until the server acknowledged it; it carries a key, so that sending it twice stores
   it once. Pairs wait as finished DOM, hidden, so that a key only swaps two class names.

   localStorage, by project:  …pairs     the pairs ahead, the one on screen first
                              …log.<n>   votes and undos of this sitting, each under its own name:
                                         two tabs never overwrite each other's
*/
(() => {
  "use strict";

  const BUFFER = 30; // pairs kept in the page: enough to go on for a while without the server
  const REFILL_BELOW = 24;
  const AHEAD = 6; // of them rendered ahead
  const KEEP_VOTES = 100; // how far back undo goes
  const SITTING = 12 * 3600e3;
  const POLL = 3000;
  const NOT_NOW = [401, 408, 425, 429]; // refusals that a later try may not meet

  const TEXT = {
    en: {
      title: "Label", prompt: "Prompt", system: "System", user: "User", assistant: "Assistant",
      left: "Left", right: "Right", top: "Top", bottom: "Bottom", tie: "Tie", both_bad: "Both bad",
      skip: "Skip", undo: "Undo", question: "Which answer is better?", answers: "Your answer",
      more: "More below", dismiss: "Dismiss", next: "Next: ", again: "Answer this one again: ",
      progress: (p) => `${p.today} today · ${p.total} in all · ${p.waiting} ${p.waiting === 1 ? "pair" : "pairs"} to go`,
      waiting: (n) => `${n} waiting`, kept: "Saved here, will be sent when the server is back.",
      refused: (why) => `One answer was not stored. ${why}`,
      held: (why) => `The server refuses answers for now; they are kept here. ${why}`,
      full: "This browser's storage is full: keep this page open until everything is sent.",
      emptyTitle: "No pairs waiting",
      generating: "New pairs are being generated. They appear here by themselves.",
      done: "Every pair has been answered. New ones appear here by themselves.", home: "See what comes next",
      awayTitle: "The server does not answer", away: "Trying again. Nothing that you answered is lost.",
    },
    zh: {
      title: "标注", prompt: "提示", system: "系统", user: "用户", assistant: "助手",
      left: "左", right: "右", top: "上", bottom: "下", tie: "平局", both_bad: "都不好",
      skip: "跳过", undo: "撤销", question: "哪个回答更好？", answers: "你的选择",
      more: "下方还有内容", dismiss: "关闭", next: "下一题：", again: "请重新选择：",
      progress: (p) => `今天 ${p.today} · 共 ${p.total} · 剩余 ${p.waiting} 对`,
      waiting: (n) => `${n} 条待发送`, kept: "已保存在本机，服务器恢复后会自动发送。",
      refused: (why) => `有一个回答未能保存。${why}`,
      held: (why) => `服务器暂时拒收，回答已保存在本机。${why}`,
      full: "浏览器存储空间已满：全部发送之前请不要关闭此页面。",
      emptyTitle: "暂时没有待标注的回答",
      generating: "正在生成新的回答，完成后会自动显示。",
      done: "全部标注完毕，有新的回答时会自动显示。", home: "查看下一步",
      awayTitle: "服务器没有响应", away: "正在重试。已完成的标注不会丢失。",
    },
  };
  const spoken = (navigator.languages || [navigator.language]).find((tag) => /^(en|zh)\b/i.test(tag)) || "en";
  const language = spoken.slice(0, 2).toLowerCase();
  const t = TEXT[language];

  const KEYS = {
    arrowleft: "left", 1: "left", digit1: "left", arrowright: "right", 2: "right", digit2: "right",
    arrowdown: "tie", t: "tie", keyt: "tie", b: "both_bad", keyb: "both_bad", s: "skip", keys: "skip",
    u: "undo", keyu: "undo", backspace: "undo",
  };
  const BUTTONS = [
    { name: "undo", key: "U", shortcuts: "U Backspace Control+Z" },
    { name: "left", narrow: "top", arrow: "M19 12H5m6-6-6 6 6 6", shortcuts: "ArrowLeft 1" },
    { name: "tie", key: "T", shortcuts: "ArrowDown T" },
    { name: "both_bad", key: "B", shortcuts: "B" },
    { name: "right", narrow: "bottom", arrow: "M5 12h14m-6-6 6 6-6 6", shortcuts: "ArrowRight 2" },
    { name: "skip", key: "S", shortcuts: "S" },
  ];

  let app = null; // the shell; everything below is rebuilt if Gradio draws a new one
  let project = "default";
  let source = ""; // only pairs of this source, such as "arena"; "" for all
  let parts = {}; // elements of the page by name
  let pairs = []; // the pairs ahead; pairs[0] is on screen
  let progress = null;
  const cards = new Map(); // pair id -> its element
  const log = new Map(); // storage name -> {kind, key, …}, oldest first

  /* Storage. Where the browser refuses it, the log in memory does the same until the page closes. */

  const pairsName = () => (source ? `pairs.${source}` : "pairs");
  const storageName = (name) => `rlhf-studio.label.${project}.${name}`;

  function storage(work, otherwise) {
    try {
      return work(localStorage);
    } catch {
      return otherwise; // no storage, no room in it, or nothing that can be read
    }
  }

  const write = (name, value) =>
    storage((disk) => (disk.setItem(storageName(name), JSON.stringify(value)), true), false);
  const read = (name) => storage((disk) => JSON.parse(disk.getItem(storageName(name))), null);

  function put(name, entry) {
    log.set(name, entry);
    if (write(name, entry) || (prune(10), write(name, entry))) return;
    showNote(t.full);
  }

  function drop(name) {
    log.delete(name);
    storage((disk) => disk.removeItem(storageName(name)));
  }

  let lastNumber = 0;
  function newName() {
    lastNumber = Math.max(Date.now(), lastNumber + 1);
    return `log.${lastNumber}.${uuid().slice(0, 8)}`;
  }

  const givenAt = (name) => Number(name.split(".")[1]);

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // only on https and loopback
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function load() {
    storage((disk) => disk.length && log.clear());
    const prefix = storageName("log.");
    const names = storage((disk) => Object.keys(disk).filter((name) => name.startsWith(prefix)).sort(), []);
    for (const name of names.map((full) => full.slice(storageName("").length))) {
      const entry = read(name);
      if (entry?.key) log.set(name, entry);
      lastNumber = Math.max(lastNumber, givenAt(name) || 0);
    }
    const saved = read(pairsName());
    progress = saved?.progress || null;
    pairs = [];
    addPairs(saved?.pairs || []);
    prune(KEEP_VOTES);
  }

  /* Forget acknowledged votes: all but the last `keep`, and those of an earlier sitting. */
  function prune(keep) {
    const sent = [...log].filter(([, entry]) => entry.sentAt);
    sent.forEach(([name, entry], i) => {
      if (i < sent.length - keep || Date.now() - entry.sentAt > SITTING) drop(name);
    });
  }

  const unsent = () => [...log].filter(([, entry]) => !entry.sentAt);
  const votes = () => [...log].filter(([, entry]) => entry.kind === "vote" && !entry.undone);
  const answeredSince = (id, time) =>
    votes().some(([, entry]) => entry.pair.id === id && (!entry.sentAt || entry.sentAt >= time));

  function addPairs(more, since = Infinity) {
    for (const pair of more) {
      if (!pairs.some((known) => known.id === pair.id) && !answeredSince(pair.id, since)) pairs.push(pair);
    }
  }

  /* The server. Only an answer of our API counts as one: a proxy's error page is "no answer". */

  class NoAnswer extends Error {}
  class Refused extends Error {
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  }

  async function ask(path, body) {
    const url = `/api/v1/label/${path}${path.includes("?") ? "&" : "?"}project=${encodeURIComponent(project)}`;
    const options = { signal: AbortSignal.timeout?.(10_000), cache: "no-store" };
    if (body) {
      Object.assign(options, { method: "POST", body: JSON.stringify(body), keepalive: true });
      options.headers = { "Content-Type": "application/json" };
    }
    let reply, data;
    try {
      reply = await fetch(url, options);
      data = await reply.json();
    } catch (error) {
      throw new NoAnswer(String(error));
    }
    if (reply.ok && data.progress) {
      progress = data.progress;
      return data;
    }
    if (reply.status >= 500 || !data.error) throw new NoAnswer(String(reply.status));
    throw new Refused(data.error, reply.status);
  }

  /* The outbox: in order, one at a time, one tab at a time. */

  let sending = false;
  let failures = 0;
  let retryTimer = 0;

  async function flush() {
    if (sending || !app) return;
    clearTimeout(retryTimer);
    retryTimer = 0;
    sending = true;
    const oneTab = (work) => (navigator.locks ? navigator.locks.request(storageName("send"), work) : work());
    try {
      await oneTab(async () => {
        for (let first = unsent()[0]; first; first = unsent()[0]) {
          await deliver(...first);
          failures = 0;
          showStatus();
        }
      });
      failures = 0;
    } catch (error) {
      if (error instanceof Refused) showNote(t.held(error.message));
      else if (!(error instanceof NoAnswer)) console.error(error);
      failures += 1;
      retryTimer = setTimeout(flush, Math.min(5000, 250 * 2 ** failures));
    } finally {
      sending = false;
    }
    showStatus();
    if (!failures) refill();
  }

  async function deliver(name, entry) {
    const { kind, key } = entry;
    try {
      if (kind === "vote") {
        put(name, { ...entry, tried: true });
        const { pair, answer, milliseconds } = entry;
        await ask("votes", { key, comparison_id: pair.id, answer, milliseconds });
        const now = log.get(name) || entry;
        if (now.undone) drop(name);
        else put(name, { ...now, sentAt: Date.now() });
      } else {
        const { pair } = await ask("undo", { key, vote_key: entry.vote_key });
        drop(name);
        if (!pairs.some((known) => known.id === pair.id) && !answeredSince(pair.id, 0)) showAgain(pair);
      }
    } catch (error) {
      if (!(error instanceof Refused) || NOT_NOW.includes(error.status)) throw error;
      drop(name);
      for (const [other, later] of unsent()) if (later.vote_key === key) drop(other);
      showNote(t.refused(error.message));
    }
  }

  /* Pairs ahead. The first answer replaces what storage held, which may be out of date. */

  let loading = false;
  let fresh = false;
  let awayFromServer = false;
  let notBefore = 0;

  async function refill() {
    const waitingForUs = unsent();
    if (loading || !app || Date.now() < notBefore) return;
    if (fresh ? pairs.length >= REFILL_BELOW : waitingForUs.length > 0) return;
    loading = true;
    const started = Date.now();
    const have = waitingForUs.filter(([, entry]) => entry.pair).map(([, entry]) => entry.pair.id);
    if (fresh) have.push(...pairs.map((pair) => pair.id));
    const count = fresh ? BUFFER - pairs.length : BUFFER;
    try {
      const reply = await ask(`pairs?count=${count}&have=${encodeURIComponent(have.join(","))}${source && `&source=${encodeURIComponent(source)}`}`);
      if (!fresh) {
        const current = reply.pairs.find((pair) => pair.id === pairs[0]?.id);
        pairs = [];
        if (current) addPairs([current], started);
        fresh = true;
      }
      addPairs(reply.pairs, started);
      notBefore = reply.pairs.length < count ? Date.now() + POLL / 2 : 0;
      awayFromServer = false;
    } catch (error) {
      awayFromServer = true;
      if (error instanceof Refused) showNote(error.message);
      else if (!(error instanceof NoAnswer)) console.error(error);
    } finally {
      loading = false;
    }
    showCurrent();
  }

  /* Answering. */

  let shownId = null;
  let visibleSince = 0;
  let visibleBefore = 0;
  let answeredAt = 0;

  const visibleFor = () => visibleBefore + (visibleSince ? performance.now() - visibleSince : 0);

  function act(action) {
    if (action === "undo") return undo();
    const pair = pairs[0];
    if (!pair || pair.id !== shownId) return;
    const milliseconds = Math.min(86_400_000, Math.round(visibleFor()));
    put(newName(), { kind: "vote", key: uuid(), pair, answer: action, milliseconds });
    pairs.shift();
    answeredAt = performance.now();
    showCurrent(t.next);
    flash(action);
  }

  function undo() {
    const last = votes().at(-1);
    if (!last) return;
    const [name, vote] = last;
    if (!vote.tried) {
      drop(name); // never sent: nothing to take back
    } else {
      // Sent, or perhaps sent: the vote goes out first (again), then what takes it back.
      if (vote.sentAt) drop(name);
      else put(name, { ...vote, undone: true });
      put(newName(), { kind: "undo", key: uuid(), vote_key: vote.key });
    }
    showAgain(vote.pair);
    flash("undo");
  }

  function showAgain(pair) {
    pairs = [pair, ...pairs.filter((other) => other.id !== pair.id)];
    showCurrent(t.again);
  }

  function onKey(event) {
    if (!app?.isConnected || !event.key || event.defaultPrevented || event.isComposing || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    const isUndo = key === "z" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    // The place of a key counts only where the layout has no Latin letter on it.
    const place = /^[a-z]$/.test(key) ? "" : event.code.toLowerCase();
    const action = isUndo ? "undo" : modified ? null : KEYS[key] || KEYS[place];
    if (action) {
      event.preventDefault();
      if (!event.repeat) act(action);
    } else if (event.repeat && key === "enter" && parts.bar.contains(event.target)) {
      event.preventDefault(); // a held Enter would press the focused button again and again
    } else if (!modified && (key === "pagedown" || key === "pageup") && pairs.length) {
      event.preventDefault();
      for (const box of cards.get(pairs[0].id).querySelectorAll(".lb-answer .lb-scroll")) {
        box.scrollBy({ top: (key === "pagedown" ? 0.85 : -0.85) * box.clientHeight });
      }
    }
  }

  const isTyping = (target) =>
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable]:not([contenteditable=false]), [role=listbox], [role=menu]");

  /* Painting. */

  let behind = false;
  let announced = "";

  function showCurrent(announcement) {
    if (!app) return;
    announced = announcement || announced;
    const pair = pairs[0];
    const id = pair ? pair.id : null;
    if (id !== shownId) {
      cards.get(shownId)?.classList.remove("now");
      shownId = id;
      visibleBefore = 0;
      visibleSince = document.visibilityState === "visible" ? performance.now() : 0;
    }
    if (pair) cardOf(pair).classList.add("now");
    if (behind) return;
    behind = true;
    const idle = window.requestIdleCallback || ((work) => setTimeout(work, 20));
    requestAnimationFrame(() => idle(afterPaint, { timeout: 150 }));
    if (document.visibilityState !== "visible") afterPaint(); // no frame comes to a hidden tab
  }

  function afterPaint() {
    if (!behind || !app) return;
    behind = false;
    write(pairsName(), { pairs, progress });
    const ahead = new Set(pairs.slice(0, AHEAD).map((pair) => pair.id));
    for (const [id, card] of cards) {
      if (ahead.has(id) || id === shownId) continue;
      card.remove();
      cards.delete(id);
    }
    pairs.slice(0, AHEAD).forEach(cardOf);
    if (announced && pairs[0]) parts.live.textContent = announced + textOf(pairs[0].prompt.at(-1).html).slice(0, 160);
    announced = "";
    showStatus();
    if (retryTimer === 0) flush();
    if (log.size > KEEP_VOTES + 50) prune(KEEP_VOTES);
  }

  let cardsMade = 0;
  const textOf = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.trim();

  function cardOf(pair) {
    let card = cards.get(pair.id);
    if (card?.isConnected) return card;
    const number = (cardsMade += 1); // ids in the document are ours: a pair's id may hold anything
    const turns = pair.prompt.map(
      ({ role, html }) =>
        `<div class="lb-turn"><h2>${pair.prompt.length > 1 ? t[role] : t.prompt}</h2>` +
        `<div class="lb-text" lang="">${html}</div></div>`,
    );
    const answer = (side, narrow, html) =>
      `<section class="lb-answer" aria-labelledby="lb-${side}-${number}">` +
      `<h2 id="lb-${side}-${number}">${label(side, narrow)}</h2>` +
      `${scroller(`<div class="lb-text" lang="">${html}</div>`)}</section>`;
    card = document.createElement("article");
    card.className = "lb-card";
    card.dataset.pair = pair.id;
    card.innerHTML =
      `<div class="lb-prompt">${scroller(turns.join(""))}</div>` +
      `<div class="lb-answers">${answer("left", "top", pair.left_html)}${answer("right", "bottom", pair.right_html)}</div>`;
    cards.set(pair.id, card);
    parts.stage.append(card);
    for (const box of card.querySelectorAll(".lb-scroll")) {
      if (box.closest(".lb-prompt") && turns.length > 1) toEnd(box);
      box.addEventListener("scroll", () => hint(box), { passive: true });
      hint(box);
    }
    return card;
  }

  const scroller = (html) =>
    `<div class="lb-clip"><div class="lb-scroll">${html}</div>` +
    `<span class="lb-more" aria-hidden="true">${icon("M6 9l6 6 6-6")}${t.more}</span></div>`;
  const label = (wide, narrow) =>
    narrow ? `<span class="lb-wide">${t[wide]}</span><span class="lb-narrow">${t[narrow]}</span>` : t[wide];
  const icon = (path) =>
    `<svg viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" ` +
    `stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${path}"/></svg>`;

  /* Say where an answer goes on below or above what is in view. */
  function hint(box) {
    box.tabIndex = box.scrollHeight > box.clientHeight ? 0 : -1;
    box.parentElement.classList.toggle("more", box.scrollHeight - box.clientHeight - box.scrollTop > 8);
    box.parentElement.classList.toggle("above", box.scrollTop > 8);
  }

  const toEnd = (box) => box.scrollTo({ top: box.scrollHeight, behavior: "instant" });

  /* After a change of size: a conversation that showed its last turn goes on showing it. */
  function refit() {
    if (!app) return;
    for (const box of app.querySelectorAll(".lb-scroll")) {
      if (box.querySelector(".lb-turn + .lb-turn") && !box.parentElement.classList.contains("more")) toEnd(box);
      hint(box);
    }
  }

  function flash(action) {
    const button = parts[action];
    button.classList.remove("pressed");
    requestAnimationFrame(() => button.classList.add("pressed"));
    setTimeout(() => button.classList.remove("pressed"), 160);
  }

  let slowTimer = 0;

  function showStatus() {
    if (!app) return;
    const outbox = unsent();
    const given = outbox.filter(([, entry]) => entry.kind === "vote").length * 2 - outbox.length; // votes less undos
    if (progress) {
      const { today, total, waiting } = progress;
      parts.progress.textContent = t.progress({
        today: Math.max(0, today + given), total: Math.max(0, total + given), waiting: Math.max(0, waiting - given),
      });
    }
    // A vote on its way is no news; one that does not arrive is.
    const slow = outbox.some(([name]) => Date.now() - givenAt(name) > 1500);
    const stuck = outbox.length > 0 && (failures > 0 || slow);
    parts.outbox.hidden = !stuck;
    if (stuck) setText(parts.outbox, `<strong>${t.waiting(outbox.length)}</strong> <span>${t.kept}</span>`);
    clearTimeout(slowTimer);
    if (outbox.length && !stuck) slowTimer = setTimeout(showStatus, 1600);

    const empty = !pairs.length;
    const away = failures > 0 || awayFromServer;
    const unknown = empty && !fresh && !away; // still asking for the first time
    for (const { name } of BUTTONS) parts[name].disabled = name === "undo" ? !votes().length : empty;
    app.setAttribute("aria-busy", String(unknown));
    parts.skeleton.hidden = !unknown;
    parts.empty.hidden = !empty || unknown;
    if (!empty || unknown) return;
    const making = away || progress?.generating;
    const title = away ? t.awayTitle : t.emptyTitle;
    const text = away ? t.away : making ? t.generating : t.done;
    const below = making ? '<div class="lb-working"></div>' : `<a href="/">${t.home}</a>`;
    setText(parts.empty, `<h2>${title}</h2><p>${text}</p>${below}`);
  }

  /* Leave what is the same alone, so that a live region speaks only of news. */
  function setText(element, html) {
    if (element.dataset.html === html) return;
    element.dataset.html = html;
    element.innerHTML = html;
  }

  function showNote(text) {
    parts.noteText.textContent = text;
    parts.note.hidden = false;
  }

  function build() {
    const button = ({ name, narrow, key, arrow, shortcuts }) =>
      `<button type="button" class="lb-button lb-${name}" data-answer="${name}" aria-keyshortcuts="${shortcuts}" disabled>` +
      `<span>${label(name, narrow)}</span><kbd aria-hidden="true">${key || icon(arrow)}</kbd></button>`;
    app.lang = language === "zh" ? "zh-CN" : "en";
    app.innerHTML =
      `<h1 class="lb-unseen">${t.title}: ${t.question}</h1>` +
      `<div class="lb-stage" id="rs-main" tabindex="-1">` +
      `<div class="lb-skeleton" aria-hidden="true"><i></i><i></i><i></i></div>` +
      `<div class="lb-empty" role="status" hidden></div></div>` +
      `<div class="lb-note" role="alert" hidden><span></span>` +
      `<button type="button" aria-label="${t.dismiss}">${icon("M6 6l12 12M18 6 6 18")}</button></div>` +
      `<div class="lb-bar" role="group" aria-label="${t.answers}">${BUTTONS.map(button).join("")}</div>` +
      `<div class="lb-foot"><span class="lb-progress"></span><span class="lb-outbox" role="status" hidden></span></div>` +
      `<div class="lb-unseen" aria-live="polite"></div>`;
    const find = (selector) => app.querySelector(selector);
    parts = {
      stage: find(".lb-stage"), skeleton: find(".lb-skeleton"), empty: find(".lb-empty"), bar: find(".lb-bar"),
      note: find(".lb-note"), noteText: find(".lb-note span"), progress: find(".lb-progress"),
      outbox: find(".lb-outbox"), live: find("[aria-live]"),
    };
    for (const { name } of BUTTONS) parts[name] = find(`.lb-${name}`);
    find(".lb-note button").addEventListener("click", () => (parts.note.hidden = true));
    parts.bar.addEventListener("click", (event) => {
      const pressed = event.target.closest("button");
      if (!pressed || pressed.disabled) return;
      const doubleClick = event.detail > 1 && performance.now() - answeredAt < 300;
      if (pressed === parts.undo || !doubleClick) act(pressed.dataset.answer);
    });
    new ResizeObserver(refit).observe(parts.stage);
    new ResizeObserver(fit).observe(document.body);
    fit();
  }

  /* Whatever the header's height, the answer bar ends where the window does. */
  function fit() {
    app?.style.setProperty("--top", `${Math.max(0, app.getBoundingClientRect().top + scrollY)}px`);
  }

  function start(element) {
    app = element;
    project = new URLSearchParams(location.search).get("project") || element.dataset.project;
    source = new URLSearchParams(location.search).get("source") || "";
    document.body.classList.add("lb-page");
    cards.clear();
    shownId = null;
    fresh = false;
    build();
    load();
    showCurrent();
    refill(); // at once: the first pair does not wait for the lock that sending takes
    flush();
    setTimeout(() => keepThePage().catch(() => {}), 2000); // without it the page works, but does not open offline
  }

  function onStorage({ key, newValue }) {
    if (!app || !key?.startsWith(storageName("log."))) return;
    const name = key.slice(storageName("").length);
    const entry = newValue ? read(name) : null;
    if (entry) log.set(name, entry);
    else log.delete(name);
    if (entry?.kind === "vote" && !entry.undone) pairs = pairs.filter((pair) => pair.id !== entry.pair.id);
    showCurrent();
  }

  function onVisibility() {
    const visible = document.visibilityState === "visible";
    if (!visible) visibleBefore = visibleFor();
    visibleSince = visible ? performance.now() : 0;
    if (visible) flush();
  }

  function look() {
    const element = document.getElementById("label-app");
    if (element && element !== app) start(element);
    else if (!element && app) {
      app = null;
      document.body.classList.remove("lb-page");
    }
  }

  /* Keep a copy of the page for when the server is away. */
  async function keepThePage() {
    if (!app || !navigator.serviceWorker) return;
    await navigator.serviceWorker.register("/worker.js");
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    active.postMessage({ keep: [location.href.split("#")[0], ...loaded].filter((url) => url.startsWith(location.origin)) });
  }

  performance.setResourceTimingBufferSize?.(2000);
  addEventListener("keydown", onKey);
  addEventListener("storage", onStorage);
  addEventListener("resize", fit);
  addEventListener("pageshow", (event) => event.persisted && app && start(app)); // what other tabs did meanwhile
  addEventListener("online", flush);
  addEventListener("offline", flush);
  document.addEventListener("visibilitychange", onVisibility);
  setInterval(() => app && !pairs.length && document.visibilityState === "visible" && flush(), POLL);
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  look();
})();
