// Reference systems of EPSG, found by words of their names or by their codes: a combobox (ARIA) over the text
// field, in which any other way to name one can still be written.
"use strict";

const FOUND = {
  en: { list: "Reference systems", found: "found" },
  de: { list: "Bezugssysteme", found: "gefunden" },
  fr: { list: "Systèmes de référence", found: "trouvés" },
};
const found = FOUND[document.documentElement.lang] ?? FOUND.en;
const MOST_SHOWN = 30;
const LEAST_TYPED = 2;

let systems = null;

// [code, name, what is searched], all of them; they are asked for once, when a field is first used.
function known() {
  systems ??= fetch(document.getElementById("crs-examples").dataset.all)
    .then((answer) => answer.text())
    .then((text) =>
      text.trimEnd().split("\n").map((line) => {
        const at = line.indexOf(" ");
        const code = `EPSG:${line.slice(0, at)}`;
        const name = line.slice(at + 1);
        return [code, name, `${code} ${name}`.toLowerCase()];
      }),
    );
  return systems;
}

async function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (await known()).filter(([, , searched]) => words.every((word) => searched.includes(word)));
  const rank = ([code, name]) => (code.toLowerCase().replace(/^epsg:/, "") === text.trim().toLowerCase().replace(/^epsg:/, "") ? 0 : name.length);
  return fits.map((each) => [rank(each), each]).sort(([a], [b]) => a - b).map(([, each]) => each);
}

function makeSearch(control, number) {
  const examples = [...document.getElementById("crs-examples").options].map((option) => [option.value, option.textContent]);
  const box = document.createElement("ul");
  const said = document.createElement("p");
  box.id = `crs-found-${number}`;
  box.className = "found";
  box.hidden = true;
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", found.list);
  said.className = "again";
  said.setAttribute("role", "status");
  control.removeAttribute("list");
  control.setAttribute("role", "combobox");
  control.setAttribute("aria-autocomplete", "list");
  control.setAttribute("aria-controls", box.id);
  control.setAttribute("aria-expanded", "false");
  (control.closest(".row") ?? control).after(box, said);
  let marked = -1;

  function close() {
    box.hidden = true;
    marked = -1;
    control.setAttribute("aria-expanded", "false");
    control.removeAttribute("aria-activedescendant");
  }

  function mark(at) {
    const options = [...box.children];
    marked = (at + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === marked)));
    control.setAttribute("aria-activedescendant", options[marked].id);
    options[marked].scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    control.value = option.dataset.code;
    said.textContent = option.dataset.name;
    close();
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function show(those, count) {
    box.replaceChildren(
      ...those.map(([code, name], at) => {
        const option = document.createElement("li");
        const strong = document.createElement("b");
        option.id = `${box.id}-${at}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.code = code;
        option.dataset.name = name;
        strong.textContent = code;
        option.append(strong, ` ${name}`);
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => take(option));
        return option;
      }),
    );
    marked = -1;
    control.removeAttribute("aria-activedescendant");
    box.hidden = those.length === 0;
    control.setAttribute("aria-expanded", String(!box.hidden));
    said.textContent = count === null ? "" : `${count} ${found.found}`;
  }

  async function look() {
    const text = control.value;
    if (text.trim().length < LEAST_TYPED) {
      show(text ? [] : examples, null);
      return;
    }
    const fits = await search(text).catch(() => []);
    if (control.value === text && document.activeElement === control) {
      show(fits.slice(0, MOST_SHOWN), fits.length);
    }
  }

  const keys = {
    ArrowDown: () => (box.hidden ? look() : mark(marked + 1)),
    ArrowUp: () => !box.hidden && mark(marked < 0 ? -1 : marked - 1),
    Enter: () => take(box.children[marked]),
    Escape: close,
  };
  control.addEventListener("focus", () => known().catch(() => { systems = null; }));
  control.addEventListener("input", (event) => event.isTrusted && look());
  control.addEventListener("blur", close);
  control.addEventListener("keydown", (event) => {
    const needsMark = event.key === "Enter" && marked < 0;
    if (keys[event.key] && !needsMark && !(event.key === "Escape" && box.hidden)) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}

document.querySelectorAll('input[list="crs-examples"]').forEach(makeSearch);
