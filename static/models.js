"use strict";
var Reason = Reason || {};

/** The models that the service holds, and the one that judges new images. */
Reason.models = (function () {
  const { byId, html, say } = Reason.dom;
  const MOST_CLASSES = 20;
  /** @type {{ all: Model[], standard: string | null, current: Model | null }} */
  const state = { all: [], standard: null, current: null };

  /** @param {string | null} name */
  const find = (name) => state.all.find((model) => model.name === name) || null;

  /**
   * What the model looks at, in the words of its data: a digit, a photo, or any image.
   * @param {string} name
   */
  function noun(name) {
    const model = find(name);
    if (model && model.classes.every((label) => /^\d$/.test(label))) return "digit";
    return model && model.input.mode === "RGB" ? "photo" : "image";
  }

  /** @param {Model} current */
  function showSwitch(current) {
    const several = state.all.length > 1;
    byId("model-switch").hidden = !several;
    if (!several) return;
    byId("model").replaceChildren(
      ...state.all.map(({ name, title }) => html("option", { value: name, text: name, title: title || name })),
    );
    byId("model", HTMLSelectElement).value = current.name;
  }

  /** @param {Model} current */
  function showWords({ name, classes }) {
    const listed = classes.slice(0, MOST_CLASSES).join(", ");
    const more = classes.length > MOST_CLASSES ? " and others" : "";
    say("known-classes", `The model ${name} knows ${classes.length} classes: ${listed}${more}.`);
    byId("dropzone-title").textContent = `Drop ${noun(name) === "digit" ? "images of digits" : `${noun(name)}s`} here, or paste one`;
    byId("model-name").textContent = state.all.length > 1 ? "" : name;
  }

  return {
    /** Ask the service which models it holds; throws the Failure that says why there is no answer. */
    async load() {
      const { models, default: standard } = await Reason.api.models();
      Object.assign(state, { all: models, standard });
    },

    /**
     * Let the model of this name judge new images, or the service's own choice; false where there is no such model.
     * @param {string | null} name
     */
    choose(name) {
      state.current = find(name) || find(state.standard) || state.all[0] || null;
      if (!state.current) return false;
      showSwitch(state.current);
      showWords(state.current);
      return name === null || name === state.current.name;
    },

    /** The description of the model that judges new images, or null before the service has answered. */
    current: () => state.current,

    find,

    several: () => state.all.length > 1,
    noun,

    /**
     * Call `chosen` with the name that a person picks.
     * @param {(name: string) => void} chosen
     */
    listen(chosen) {
      const select = byId("model", HTMLSelectElement);
      select.addEventListener("change", () => chosen(select.value));
    },
  };
})();
