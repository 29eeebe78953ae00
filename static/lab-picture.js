"use strict";
var Reason = Reason || {};

/**
 * @typedef {"sample" | "own" | "draw"} Source
 * @typedef {{ file: File, label: string | null }} Picture
 * @typedef {InstanceType<typeof Reason.api.Failure>} PictureFailure
 */

/** The picture under test: a labelled sample, a person's own file, or a drawing. */
Reason.picture = (function () {
  const { byId } = Reason.dom;
  const { Failure } = Reason.api;
  /** @type {Source[]} */
  const SOURCES = ["sample", "own", "draw"];
  /** @type {Map<string, number>} */
  const indexes = new Map();
  /**
   * @type {{
   *   model: Model | null, source: Source, sample: (Sample & { file: File }) | null,
   *   own: { file: File, url: string, name: string } | null, asked: number,
   *   another: () => void, failed: (failure: PictureFailure, again: () => void) => void,
   * }}
   */
  const state = { model: null, source: "sample", sample: null, own: null, asked: 0, another() {}, failed() {} };

  /** @param {Source} source */
  function show(source) {
    state.source = source;
    for (const name of SOURCES) {
      byId(`source-${name}`, HTMLInputElement).checked = name === source;
      byId(`panel-${name}`).hidden = name !== source;
    }
  }

  /**
   * @param {string} address
   * @param {string} name
   */
  function fileOf(address, name) {
    const [head, text] = address.split(",");
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new File([bytes], name, { type: head.slice(5).split(";")[0] });
  }

  /** @param {Sample} sample */
  function keepSample(sample) {
    const name = sample.name || `sample ${sample.index}`;
    indexes.set(sample.model, sample.index);
    state.sample = { ...sample, file: fileOf(sample.picture, name) };
    const index = byId("sample-index", HTMLInputElement);
    index.value = String(sample.index);
    index.max = String(sample.count - 1);
    byId("sample-thumb", HTMLImageElement).src = sample.picture;
    byId("sample-about").hidden = false;
    byId("sample-label").textContent = sample.label === null ? "Label unknown" : `Label: ${sample.label}`;
    byId("sample-source").textContent =
      `${sample.source}, ${sample.index.toLocaleString("en-GB")} of ${sample.count.toLocaleString("en-GB")}`;
    byId("sample-source").title = `${name}; samples are counted from 0`;
  }

  /**
   * Fetch a sample; only the one asked for last is kept, and one that is refused leaves the earlier one.
   * @param {number} index
   */
  async function load(index) {
    if (!state.model) return;
    const number = (state.asked += 1);
    try {
      const sample = await Reason.api.sample(state.model.name, index);
      if (number !== state.asked) return;
      keepSample(sample);
      state.another();
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      if (number === state.asked) state.failed(failure, () => load(index));
    }
  }

  /** @param {number} by */
  function step(by) {
    if (!state.sample) return load(0);
    const { index, count } = state.sample;
    return load((index + by + count) % count);
  }

  function anywhere() {
    if (!state.sample) return load(0);
    return load(Math.floor(Math.random() * state.sample.count));
  }

  /** @param {File[]} files */
  function takeOwn(files) {
    const file = files[0];
    if (!file) return;
    if (state.own) URL.revokeObjectURL(state.own.url);
    state.own = { file, url: URL.createObjectURL(file), name: file.name || "pasted image" };
    byId("own-thumb", HTMLImageElement).src = state.own.url;
    byId("own-thumb", HTMLImageElement).hidden = byId("own-about").hidden = false;
    byId("own-name").textContent = state.own.name;
    show("own");
    state.another();
  }

  /** @param {Source} source */
  function choose(source) {
    show(source);
    if (source === "sample" && !state.sample) load((state.model && indexes.get(state.model.name)) || 0);
    else state.another();
  }

  function listenToSamples() {
    const index = byId("sample-index", HTMLInputElement);
    const thumb = byId("sample-thumb", HTMLImageElement);
    index.addEventListener("change", () => load(Number(index.value)));
    byId("sample-previous").addEventListener("click", () => step(-1));
    byId("sample-next").addEventListener("click", () => step(1));
    byId("sample-random").addEventListener("click", anywhere);
    thumb.addEventListener("load", () => Reason.dom.enlarge(thumb));
  }

  return {
    /**
     * The file under test with its true label, null where none is known; throws a Failure where there is no file.
     * @returns {Promise<Picture>}
     */
    async current() {
      const { source, sample, own } = state;
      if (source === "sample" && sample) return { file: sample.file, label: sample.label };
      if (source === "own" && own) return { file: own.file, label: null };
      if (source === "draw" && !Reason.draw.empty()) return { file: await Reason.draw.file(), label: null };
      const missing = { sample: "Choose a sample first.", own: "Choose an image first.", draw: "Draw a digit first." };
      throw new Failure("No picture", missing[source]);
    },

    take: takeOwn,

    /**
     * Offer what suits the model, with the sample that was last open for it.
     * @param {Model} model
     */
    suit(model) {
      state.model = model;
      state.sample = null;
      state.asked += 1;
      byId("sample-about").hidden = true;
      byId("option-draw").hidden = model.input.mode !== "L";
      choose(state.source === "draw" && model.input.mode !== "L" ? "sample" : state.source);
    },

    /**
     * Call `another` for each new picture, `redrawn` for each stroke of the same drawing, and `failed` with a
     * Failure and a function that tries again.
     * @param {{
     *   another: () => void, redrawn: () => void,
     *   failed: (failure: PictureFailure, again: () => void) => void,
     * }} handlers
     */
    listen({ another, redrawn, failed }) {
      Object.assign(state, { another, failed });
      for (const name of SOURCES) byId(`source-${name}`).addEventListener("change", () => choose(name));
      listenToSamples();
      Reason.intake.choosing(byId("own-file", HTMLInputElement), takeOwn);
      byId("own-thumb", HTMLImageElement).addEventListener("error", () => (byId("own-thumb", HTMLImageElement).hidden = true));
      Reason.draw.listen(redrawn);
    },
  };
})();
