"use strict";
var Reason = Reason || {};

/**
 * @typedef {{ picture: Picture, verdict: Verdict }} Judged
 * @typedef {InstanceType<typeof Reason.api.Failure>} LabFailure
 */

/** The lab: corrupt a picture step by step, and watch prediction, reliability and place on the map. */
Reason.lab = (function () {
  const { byId, html, icon, say } = Reason.dom;
  /** @type {Corruption} */
  const NONE = { name: "none", family: "", summary: "The picture as it is.", published: false };
  const ASK_AGAIN_MS = 3000;
  const SPEAK_AFTER_MS = 700;
  /** @type {Map<string, Promise<LatentMap | null>>} */
  const maps = new Map();
  /**
   * @type {{
   *   model: Model | null, open: boolean, known: Corruption[], shown: Verdict | null,
   *   speaking: number | undefined, again: number | undefined,
   * }}
   */
  const state = { model: null, open: false, known: [NONE], shown: null, speaking: undefined, again: undefined };

  /** @param {string} name */
  const words = (name) => name.replaceAll("_", " ");
  const field = (/** @type {string} */ id) => byId(id, HTMLInputElement);
  const select = () => byId("corruption", HTMLSelectElement);
  const corruption = () => state.known.find(({ name }) => name === select().value) || NONE;

  /** @returns {Settings} */
  function settings() {
    const chosen = corruption();
    const model = state.model ? state.model.name : undefined;
    if (chosen === NONE) return { model, corruption: NONE.name };
    return { model, corruption: chosen.name, severity: Number(field("severity").value), seed: Number(field("seed").value) };
  }

  /** @returns {Promise<Judged | { failure: LabFailure }>} */
  async function judge() {
    const asked = settings();
    try {
      const picture = await Reason.picture.current();
      return { picture, verdict: await Reason.api.predict(picture.file, asked) };
    } catch (failure) {
      if (!(failure instanceof Reason.api.Failure)) throw failure;
      return { failure };
    }
  }

  const live = Reason.live(judge, (answer, newest) => {
    if ("failure" in answer) fail(answer.failure, live.want);
    else show(answer.picture, answer.verdict);
    byId("lab-result").setAttribute("aria-busy", String(!newest));
  });

  /**
   * @param {LabFailure} failure
   * @param {() => void} again
   */
  function fail(failure, again) {
    say("lab-notice", Reason.api.patience(failure));
    clearTimeout(state.again);
    if (failure.again && state.open) state.again = window.setTimeout(again, ASK_AGAIN_MS);
  }

  /**
   * @param {Verdict} verdict
   * @param {string | null} label
   */
  function truth(verdict, label) {
    const right = verdict.class === label;
    const text = right ? "Right: this is its true label." : `Wrong: the true label is ${label}.`;
    byId("truth").className = `truth ${right ? "right" : "wrong"}`;
    byId("truth").hidden = label === null;
    if (label !== null) byId("truth").replaceChildren(icon(right ? "accept" : "failed"), html("span", { text }));
  }

  /** @param {AppliedCorruption} applied */
  function caption(applied) {
    if (applied.name === NONE.name) return "Not corrupted";
    return `${words(applied.name)}, severity ${applied.severity.toFixed(2)}, seed ${applied.seed}`;
  }

  /**
   * @param {Picture} picture
   * @param {AppliedCorruption} applied
   */
  function showPicture(picture, applied) {
    const image = byId("lab-picture", HTMLImageElement);
    image.src = applied.picture;
    image.alt = `What was judged: ${picture.file.name}, ${caption(applied)}`;
    byId("lab-caption").textContent = caption(applied);
  }

  /**
   * @param {Picture} picture
   * @param {Verdict} verdict
   */
  async function show(picture, verdict) {
    say("lab-notice", "");
    byId("lab-result").hidden = false;
    byId("lab-waiting").hidden = true;
    showPicture(picture, verdict.corruption);
    Reason.verdict.core(byId("lab-verdict"), verdict, null);
    truth(verdict, picture.label);
    speak(verdict, picture.label);
    state.shown = verdict;
    const map = verdict.latent ? await mapOf(verdict.model) : null;
    if (state.shown !== verdict) return;
    Reason.latent.show(map);
    Reason.latent.place(verdict);
  }

  /**
   * Tell a screen reader once the slider rests, not at each of its steps.
   * @param {Verdict} verdict
   * @param {string | null} label
   */
  function speak(verdict, label) {
    const known = label === null ? "" : ` The true label is ${label}.`;
    clearTimeout(state.speaking);
    state.speaking = window.setTimeout(() => {
      byId("live").textContent = Reason.verdict.spoken(verdict, null) + known;
    }, SPEAK_AFTER_MS);
  }

  /**
   * The map of a model, fetched once; null where it has none.
   * @param {string} model
   */
  function mapOf(model) {
    const known = maps.get(model);
    if (known) return known;
    const asked = Reason.api.map(model).catch((failure) => {
      if (failure.status !== 404) maps.delete(model);
      return null;
    });
    maps.set(model, asked);
    return asked;
  }

  function showSeverity() {
    const severity = Number(field("severity").value);
    byId("severity-value").textContent = severity.toFixed(2);
    Reason.sweep.at(severity);
  }

  function severityMoved() {
    showSeverity();
    live.want();
  }

  /** Another picture, another model or another corruption: earlier answers and sweeps no longer count. */
  function changed() {
    if (!state.model) return;
    const chosen = corruption();
    const possible = chosen !== NONE;
    say("corruption-summary", chosen.summary);
    byId("amount", HTMLFieldSetElement).disabled = !possible;
    Reason.sweep.reset(possible);
    showSeverity();
    live.want();
  }

  function newPicture() {
    live.forget();
    changed();
  }

  function anotherDraw() {
    field("seed").value = String(Number(field("seed").value) + 1);
    changed();
  }

  /** @param {number} severity */
  function setSeverity(severity) {
    field("severity").value = String(severity);
    severityMoved();
  }

  async function sweepOf() {
    const asked = settings();
    const picture = await Reason.picture.current();
    const ask = (/** @type {number} */ severity) => Reason.api.predict(picture.file, { ...asked, severity });
    return { label: picture.label, ask };
  }

  /** @param {Corruptions} offered */
  function offer({ corruptions, families }) {
    state.known = [NONE, ...corruptions];
    const option = (/** @type {Corruption} */ { name }) => html("option", { value: name, text: words(name) });
    const groups = families
      .map((family) => ({ family, members: corruptions.filter((one) => one.family === family) }))
      .filter(({ members }) => members.length > 0)
      .map(({ family, members }) => html("optgroup", { label: words(family) }, members.map(option)));
    byId("corruption").replaceChildren(option(NONE), ...groups);
    select().value = (corruptions.find(({ published }) => published) || NONE).name;
  }

  /** @param {Model} model */
  async function open(model) {
    state.open = true;
    try {
      if (state.known.length === 1) offer(await Reason.api.corruptions());
    } catch (failure) {
      if (!(failure instanceof Reason.api.Failure)) throw failure;
      fail(failure, () => open(model));
      return;
    }
    if (state.model === model) {
      live.want();
      return;
    }
    state.model = model;
    live.forget();
    Reason.latent.show(null);
    Reason.picture.suit(model);
  }

  return {
    open,

    leave() {
      state.open = false;
      clearTimeout(state.again);
    },

    /** Put a dropped or pasted file under test. */
    take: Reason.picture.take,

    /** Wire the controls of this view. */
    listen() {
      Reason.picture.listen({ another: newPicture, redrawn: changed, failed: fail });
      Reason.sweep.listen({ prepare: sweepOf, choose: setSeverity });
      byId("corruption").addEventListener("change", newPicture);
      byId("severity").addEventListener("input", severityMoved);
      byId("seed").addEventListener("change", changed);
      byId("another-draw").addEventListener("click", anotherDraw);
      const image = byId("lab-picture", HTMLImageElement);
      image.addEventListener("load", () => Reason.dom.enlarge(image));
    },
  };
})();
