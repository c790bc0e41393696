// The request that a form makes, as code: kept in step with the form, in tabs, to be copied.
"use strict";

const WORDS = {
  en: { copy: "Copy", copied: "Copied", languages: "Languages", not: "It could not be copied; it is selected." },
  de: { copy: "Kopieren", copied: "Kopiert", languages: "Sprachen", not: "Kopieren ging nicht; es ist ausgewählt." },
  fr: { copy: "Copier", copied: "Copié", languages: "Langages", not: "La copie a échoué ; le texte est sélectionné." },
};
const words = WORDS[document.documentElement.lang] ?? WORDS.en;
const PAUSE_IN_TYPING = 250;
const KEPT = "qanat-language";

// Tabs ------------------------------------------------------------------------------------------

function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function remember(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // The browser keeps nothing: the first language is shown next time.
  }
}

function makeTabs(box) {
  const panels = [...box.querySelectorAll(".snippet")];
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", words.languages);
  const tabs = panels.map((panel) => {
    const heading = panel.querySelector("h3");
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${panel.dataset.name}`;
    tab.textContent = heading.textContent;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    heading.remove();
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.querySelector("pre").setAttribute("aria-labelledby", tab.id);
    panel.querySelector("pre").setAttribute("role", "region");
    list.append(tab);
    return tab;
  });
  const choose = (chosen) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === chosen));
      tab.tabIndex = at === chosen ? 0 : -1;
      panels[at].hidden = at !== chosen;
    });
  };
  const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  list.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    const now = tabs.indexOf(document.activeElement);
    const ends = { [-Infinity]: 0, [Infinity]: tabs.length - 1 };
    const next = ends[step] ?? (now + step + tabs.length) % tabs.length;
    choose(next);
    remember(panels[next].dataset.name);
    tabs[next].focus();
  });
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => {
      choose(at);
      remember(panels[at].dataset.name);
    });
  });
  panels[0].before(list);
  choose(Math.max(0, panels.findIndex((panel) => panel.dataset.name === remembered())));
}

// Copying ---------------------------------------------------------------------------------------

async function copy(code, said) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    said.textContent = words.copied;
  } catch {
    // Only pages of https, and of one's own machine, may write to the clipboard.
    getSelection().selectAllChildren(code);
    said.textContent = document.execCommand("copy") ? words.copied : words.not;
  }
}

function makeCopies(box) {
  for (const panel of box.querySelectorAll(".snippet")) {
    const button = document.createElement("button");
    const said = document.createElement("span");
    const row = document.createElement("p");
    button.type = "button";
    button.className = "copy secondary";
    button.textContent = words.copy;
    said.setAttribute("role", "status");
    row.className = "row";
    row.append(button, said);
    panel.append(row);
    button.addEventListener("click", async () => {
      said.textContent = "";
      await copy(panel.querySelector("code"), said);
    });
  }
}

// In step with the form -------------------------------------------------------------------------

// Files stay where they are: their names are enough.
function filledIn(form) {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File) {
      if (value.name) {
        data.append(name, new File([], value.name));
      }
    } else {
      data.append(name, value);
    }
  }
  return data;
}

function keepInStep(box, form) {
  let waiting = null;
  let asked = 0;
  const update = async () => {
    asked += 1;
    const own = asked;
    box.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(box.dataset.address, {
        method: "POST",
        body: filledIn(form),
        headers: { Accept: "application/json" },
      });
      const code = answer.ok ? await answer.json() : {};
      if (own === asked) {
        for (const panel of box.querySelectorAll(".snippet")) {
          const text = panel.querySelector("code");
          const newer = code[panel.dataset.name];
          if (newer !== undefined && text.textContent !== newer) {
            text.textContent = newer;
          }
        }
      }
    } catch {
      // The server is away: what is shown stays until the form changes again.
    }
    if (own === asked) {
      box.removeAttribute("aria-busy");
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, PAUSE_IN_TYPING);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("reset", soon);
  // A browser that comes back to a page fills in again what was there.
  addEventListener("pageshow", () => {
    if ([...form.elements].some(isChanged)) {
      soon();
    }
  });
}

function isChanged(control) {
  if (control.type === "checkbox") {
    return control.checked !== control.defaultChecked;
  }
  if (control.options) {
    return [...control.options].some((option) => option.defaultSelected && !option.selected);
  }
  return control.type !== "hidden" && control.value !== (control.defaultValue ?? "");
}

const request = document.getElementById("request");
if (request) {
  makeTabs(request);
  makeCopies(request);
  keepInStep(request, document.getElementById("run"));
}
