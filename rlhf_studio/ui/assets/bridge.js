/* Runs inside each interactive gr.HTML (`element` and `trigger` are Gradio's): what a person does in
   our HTML becomes one of three events: input and submit of a form, click on a [data-action]. */
const read = (form) => {
  const values = { form: form.id };
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.type !== "radio" || field.checked) {
      values[field.name] = field.value;
    }
  }
  return values;
};

/* The browser's own words on a wrong value, under the field, as long as it is wrong. */
const check = (form) => {
  for (const field of form.elements) {
    const place = field.name && form.querySelector(`[data-error-of="${field.id}"]`);
    if (!place) continue;
    place.textContent = field.validationMessage;
    field.setAttribute("aria-invalid", String(!field.validity.valid));
  }
  return form.checkValidity();
};

let timer = 0;
element.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form) return;
  clearTimeout(timer);
  timer = setTimeout(() => check(form) && trigger("input", read(form)), 150);
});

element.addEventListener("keydown", (event) => {
  /* Enter in a field must not start a run. */
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!check(event.target)) return;
  const button = event.submitter;
  if (button) {
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
  }
  trigger("submit", read(event.target));
});

element.addEventListener("click", (event) => {
  const target = event.target.closest("[data-action]");
  if (!target || target.disabled) return;
  event.preventDefault();
  if (target.dataset.action === "kind") {
    /* Both forms are in the page: switching needs no server but for the estimate. */
    for (const tab of element.querySelectorAll("[data-action=kind]"))
      tab.setAttribute("aria-current", String(tab === target));
    for (const form of element.querySelectorAll("form")) form.hidden = form.id !== target.dataset.form;
    history.replaceState(null, "", target.getAttribute("href"));
    trigger("input", read(element.querySelector(`#${target.dataset.form}`)));
    return;
  }
  if (target.tagName === "BUTTON") {
    target.disabled = true;
    target.setAttribute("aria-busy", "true");
  }
  trigger("click", { ...target.dataset });
});
