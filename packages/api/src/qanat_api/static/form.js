// What a form does beyond what it is: it is checked in place, knows the fields of layers, and chooses colours.
"use strict";

const SAYS = {
  en: { fine: "All of it can be run.", fields: "Fields", colour: "Choose a colour", away: "The server does not answer." },
  de: { fine: "Alles kann so ausgeführt werden.", fields: "Felder", colour: "Farbe wählen", away: "Der Server antwortet nicht." },
  fr: { fine: "Tout peut être exécuté ainsi.", fields: "Champs", colour: "Choisir une couleur", away: "Le serveur ne répond pas." },
};
const says = SAYS[document.documentElement.lang] ?? SAYS.en;
const form = document.getElementById("run");
const LARGEST_READ = 20000000;
const MOST_NAMES = 100;

// Checking --------------------------------------------------------------------------------------

function titleOf(pointer) {
  const [section, name] = pointer.replace(/^\//, "").split("/");
  const control = form.querySelector(`[name="${CSS.escape(`${section}/${name}`)}"], [name^="${CSS.escape(`${section}/${name}/`)}"]`);
  const around = control?.closest("fieldset")?.querySelector("legend") ?? control?.labels?.[0];
  return around?.textContent.trim() ?? name ?? "";
}

async function check(event) {
  event.preventDefault();
  const said = document.getElementById("checked");
  said.className = "";
  said.textContent = "…";
  try {
    const answer = await fetch(event.target.formAction, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    const told = await answer.json();
    const faults = (told.errors ?? []).map((fault) => `${titleOf(fault.pointer)}: ${fault.message}`);
    said.className = answer.ok ? "fine" : "wrong said";
    said.textContent = answer.ok ? `✓ ${says.fine}` : `✕ ${faults.length ? faults.join("\n") : told.detail ?? told.title}`;
  } catch {
    said.className = "wrong";
    said.textContent = says.away;
  }
}

// The fields of a layer -------------------------------------------------------------------------

function namesIn(text) {
  if (!text.trimStart().startsWith("{")) {
    return [];
  }
  try {
    const data = JSON.parse(text);
    const features = data.type === "Feature" ? [data] : data.features ?? [];
    return [...new Set(features.slice(0, 50).flatMap((each) => Object.keys(each.properties ?? {})))];
  } catch {
    return [];
  }
}

async function fieldsOf(box) {
  const chosen = box.querySelector("select option:checked[data-fields]");
  if (chosen) {
    return JSON.parse(chosen.dataset.fields);
  }
  const made = box.querySelector("select option:checked[data-geojson]");
  if (made && Number(made.dataset.geojson) <= LARGEST_READ) {
    const answer = await fetch(made.value);
    return answer.ok ? namesIn(await answer.text()) : [];
  }
  const file = box.querySelector('input[type="file"]').files[0];
  if (file && file.size <= LARGEST_READ) {
    return namesIn(await file.text());
  }
  return namesIn(box.querySelector("textarea").value);
}

function show(field, names) {
  const control = field.querySelector("input, textarea");
  const id = `${control.id}-fields`;
  let list = document.getElementById(id);
  if (!list) {
    list = document.createElement("datalist");
    list.id = id;
    const told = document.createElement("p");
    told.className = "again";
    told.setAttribute("role", "status");
    field.append(list, told);
    if (control.tagName === "INPUT") {
      control.setAttribute("list", id);
      control.autocomplete = "off";
    }
  }
  list.replaceChildren(...names.map((name) => new Option(name)));
  list.nextElementSibling.textContent = names.length ? `${says.fields}: ${names.slice(0, MOST_NAMES).join(", ")}` : "";
}

function followLayer(box) {
  const dependents = [...form.querySelectorAll(`[data-fields-of="${CSS.escape(box.dataset.input)}"]`)];
  if (!dependents.length) {
    return;
  }
  const update = async () => {
    const names = await fieldsOf(box);
    dependents.forEach((field) => show(field, names));
  };
  box.addEventListener("change", update);
  addEventListener("pageshow", update);
}

// Colours ---------------------------------------------------------------------------------------

function offerColour(control) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", says.colour);
  const take = () => {
    if (/^#[0-9a-f]{6}/i.test(control.value)) {
      picker.value = control.value.slice(0, 7).toLowerCase();
    }
  };
  take();
  control.addEventListener("input", take);
  picker.addEventListener("input", () => {
    control.value = picker.value + control.value.slice(7);
    control.dispatchEvent(new Event("input", { bubbles: true }));
  });
  control.after(picker);
}

if (form) {
  document.getElementById("check").addEventListener("click", check);
  form.querySelectorAll("fieldset.layer[data-input]").forEach(followLayer);
  form.querySelectorAll("input.colour").forEach(offerColour);
}
