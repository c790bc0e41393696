// What pages do beyond what they are: filter a list while one types, and follow a job.
"use strict";

// The few texts that scripts show, in the languages of the pages.
const TEXTS = {
  en: { processes: "processes", of: "of", last: "Run last", away: "The server does not answer; trying on." },
  de: { processes: "Prozesse", of: "von", last: "Zuletzt ausgeführt", away: "Der Server antwortet nicht; es wird weiter versucht." },
  fr: { processes: "traitements", of: "sur", last: "Lancés récemment", away: "Le serveur ne répond pas ; nouvel essai." },
};
const ours = TEXTS[document.documentElement.lang] ?? TEXTS.en;

// The list of processes, by the words that stand in each item.
for (const box of document.querySelectorAll("input[data-filter]")) {
  const list = document.querySelector(box.dataset.filter);
  const count = document.getElementById("count");
  const items = [...list.querySelectorAll("li")];
  const texts = items.map((item) => {
    const headings = [item.closest(".group"), item.closest(".provider")].map(
      (part) => part.querySelector("h2, h3")?.textContent ?? "",
    );
    const own = [...item.querySelectorAll("a, code, small")].map((part) => part.textContent);
    return [...own, ...headings].join(" ").toLowerCase();
  });
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    items.forEach((item, at) => {
      const fits = words.every((word) => texts[at].includes(word));
      if (item.hidden === fits) {
        item.hidden = !fits;
      }
      found += fits ? 1 : 0;
    });
    for (const part of list.querySelectorAll(".group, .provider")) {
      part.hidden = !part.querySelector("li:not([hidden])");
    }
    count.textContent = found === items.length ? `${found} ${ours.processes}` : `${found} ${ours.of} ${items.length} ${ours.processes}`;
  };
  if (items.length && !box.value) {
    box.addEventListener("input", filter);
  }
}

// The processes that were run last are kept in this browser only, and lead the list.
const LAST = "qanat-last";
const MOST_LAST = 6;

function lastRun() {
  try {
    const found = JSON.parse(localStorage.getItem(LAST) ?? "[]");
    return found.filter((each) => /^\/[^/]/.test(each.path) && typeof each.title === "string");
  } catch {
    return [];
  }
}

document.getElementById("run")?.addEventListener("submit", (event) => {
  const path = new URL(event.target.action).pathname.replace(/\/form$/, "");
  const title = document.querySelector("h1").textContent;
  const others = lastRun().filter((each) => each.path !== path);
  try {
    localStorage.setItem(LAST, JSON.stringify([{ path, title }, ...others].slice(0, MOST_LAST)));
  } catch {
    // The browser keeps nothing.
  }
});

const processes = document.getElementById("list");
if (processes && lastRun().length) {
  const row = document.createElement("p");
  row.className = "last";
  row.append(`${ours.last}: `);
  for (const { path, title } of lastRun()) {
    const link = document.createElement("a");
    link.href = path;
    link.textContent = title;
    row.append(link, " ");
  }
  processes.before(row);
}

// What is wrong with a form is the first thing to read.
document.getElementById("errors")?.focus();

// A job that has not ended: its page is fetched again at each of its events, and what changed is shown.
// Where no events come, it is fetched again and again.
const PAUSE = 1000;
const PAUSE_WITH_EVENTS = 10000;
const LEAST_PAUSE = 100;

let listens = false;
let changed = false;
let resume = null;

function wake() {
  changed = true;
  resume?.();
}

function listen() {
  const events = new EventSource(`${location.pathname.replace(/\/$/, "")}/events`);
  const happened = (event) => {
    listens = true;
    if (event.type === "status" && JSON.parse(event.data).finished) {
      events.close();
    }
    wake();
  };
  events.addEventListener("status", happened);
  events.addEventListener("log", happened);
  events.addEventListener("error", () => {
    listens = false;
  });
}

async function change() {
  if (!changed) {
    await new Promise((resolve) => {
      resume = resolve;
      setTimeout(resolve, listens ? PAUSE_WITH_EVENTS : PAUSE);
    });
  }
  resume = null;
  await new Promise((resolve) => setTimeout(resolve, LEAST_PAUSE));
  changed = false;
}

function tell(live) {
  const said = document.getElementById("said");
  if (said.textContent !== live.dataset.said) {
    said.textContent = live.dataset.said;
  }
}

function show(before, after) {
  const within = before.contains(document.activeElement);
  const log = before.querySelector(".log");
  const atEnd = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  const top = log?.scrollTop ?? 0;
  before.replaceWith(after);
  const newer = after.querySelector(".log");
  if (newer) {
    newer.scrollTop = atEnd ? newer.scrollHeight : top;
  }
  if (within) {
    after.querySelector(".actions button, .actions a")?.focus();
  }
}

async function follow() {
  const live = document.getElementById("live");
  tell(live);
  if (live.dataset.ended === "yes") {
    return;
  }
  await change();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const after = page.getElementById("live");
    if (!after) {
      location.reload();
      return;
    }
    document.title = page.title;
    show(live, document.adoptNode(after));
  } catch {
    document.getElementById("said").textContent = ours.away;
  }
  follow();
}

if (document.getElementById("live")) {
  if (document.getElementById("live").dataset.ended !== "yes") {
    listen();
  }
  follow();
}
