"use strict";
var Reason = Reason || {};

/**
 * @typedef {{
 *   id: number, file: File, name: string, url: string, model: string | undefined,
 *   status: "waiting" | "judging" | "judged" | "failed",
 *   verdict: Verdict | null, roundTrip: number, failure: InstanceType<typeof Reason.api.Failure> | null,
 * }} Item
 * @typedef {Decision | "failed" | "waiting"} Outcome
 * @typedef {{ judged: boolean, failed: boolean, pending: boolean }} Seen
 */

/** Holds the images of this visit, sends them to be judged, and shows the chosen one. */
Reason.judge = (function () {
  const { byId, say } = Reason.dom;
  const AT_ONCE = 2;
  /** @type {{ items: Item[], selected: Item | null, tried: number | null, running: number, made: number }} */
  const state = { items: [], selected: null, tried: null, running: 0, made: 0 };

  /** @param {File[]} files */
  function take(files) {
    if (files.length === 0) return;
    const model = Reason.models.current();
    /** @type {Item[]} */
    const fresh = files.map((file) => ({
      id: (state.made += 1),
      file,
      name: file.name || "pasted image",
      url: URL.createObjectURL(file),
      model: model ? model.name : undefined,
      status: "waiting",
      verdict: null,
      roundTrip: 0,
      failure: null,
    }));
    if (state.items.length === 0) byId("main").focus();
    state.items.push(...fresh);
    select(fresh[0]);
    window.scrollTo({ top: 0 });
    pump();
  }

  function pump() {
    while (state.running < AT_ONCE) {
      const next = state.items.find(({ status }) => status === "waiting");
      if (!next) return;
      state.running += 1;
      judge(next).finally(() => {
        state.running -= 1;
        pump();
      });
    }
  }

  /** @param {Item} item */
  async function judge(item) {
    item.status = "judging";
    const begun = performance.now();
    try {
      item.verdict = await Reason.api.predict(item.file, { model: item.model });
      item.roundTrip = performance.now() - begun;
      item.status = "judged";
    } catch (failure) {
      if (!(failure instanceof Reason.api.Failure)) throw failure;
      item.failure = failure;
      item.status = "failed";
    }
    if (!state.items.includes(item)) return;
    if (item === state.selected) select(item);
    else refreshStrip();
  }

  function refreshStrip() {
    Reason.strip.show(state.items, state.selected, state.tried, select);
  }

  /** @param {Item | null} item */
  function select(item) {
    state.selected = item;
    const [judged, failed] = [item !== null && item.status === "judged", item !== null && item.status === "failed"];
    const seen = { judged, failed, pending: item !== null && !judged && !failed };
    byId("welcome").hidden = Boolean(item);
    byId("workspace").hidden = !item;
    byId("top-actions").hidden = !item;
    byId("pending").hidden = !seen.pending;
    byId("failure").hidden = !seen.failed;
    byId("verdict").hidden = byId("details").hidden = !seen.judged;
    byId("result").setAttribute("aria-busy", String(seen.pending));
    say("notice", "");
    refreshStrip();
    if (item) showItem(item, seen);
  }

  /**
   * @param {Item} item
   * @param {Seen} seen
   */
  function showItem(item, seen) {
    showPhoto(item);
    byId("pending-text").textContent = `Looking at ${item.name}…`;
    if (seen.failed && item.failure) showFailure(item.name, item.failure);
    if (seen.judged && item.verdict) {
      Reason.verdict.show(item.verdict, state.tried);
      Reason.details.show(item.verdict, item.roundTrip);
      byId("live").textContent = `${item.name}: ${Reason.verdict.spoken(item.verdict, state.tried)}`;
    }
    if (seen.pending) byId("live").textContent = `Judging ${item.name}.`;
  }

  /** @param {Item} item */
  function showPhoto(item) {
    const photo = byId("photo", HTMLImageElement);
    byId("photo-name").textContent = item.name;
    byId("photo-name").title = item.name;
    if (photo.src === item.url) return;
    byId("photo-size").textContent = Reason.format.bytes(item.file.size);
    say("photo-missing", "");
    photo.hidden = false;
    photo.src = item.url;
    photo.alt = `The image ${item.name}`;
  }

  function photoLoaded() {
    const photo = byId("photo", HTMLImageElement);
    const size = `${photo.naturalWidth} × ${photo.naturalHeight} px`;
    Reason.dom.enlarge(photo);
    byId("photo-size").textContent = `${size}${state.selected ? `, ${Reason.format.bytes(state.selected.file.size)}` : ""}`;
  }

  function photoMissing() {
    byId("photo", HTMLImageElement).hidden = true;
    say("photo-missing", "This browser cannot show the file.");
  }

  /**
   * @param {string} name
   * @param {InstanceType<typeof Reason.api.Failure>} failure
   */
  function showFailure(name, { title, detail, trace, again, absent }) {
    byId("failure-title").textContent = title;
    byId("failure-detail").textContent = detail;
    byId("failure-command").hidden = !absent;
    byId("retry").hidden = !again;
    say("failure-trace", trace);
    byId("live").textContent = `${name}: ${title}. ${detail}`;
  }

  function retry() {
    for (const item of state.items) {
      if (item.failure && item.failure.again) {
        item.status = "waiting";
        item.failure = null;
      }
    }
    select(state.selected);
    pump();
  }

  function startOver() {
    state.items.forEach(({ url }) => URL.revokeObjectURL(url));
    state.items = [];
    state.tried = null;
    byId("photo", HTMLImageElement).removeAttribute("src");
    byId("live").textContent = "";
    select(null);
    byId("main").focus();
  }

  /** @param {number | null} value */
  function tryThreshold(value) {
    state.tried = value;
    if (state.selected && state.selected.verdict) Reason.verdict.show(state.selected.verdict, value);
    refreshStrip();
  }

  /** @param {string} text */
  async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    selectJson();
    if (!document.execCommand("copy")) throw new Error("the browser refused");
    return undefined;
  }

  function selectJson() {
    byId("raw-details", HTMLDetailsElement).open = true;
    const selection = window.getSelection();
    if (selection) selection.selectAllChildren(byId("json"));
  }

  async function copy() {
    const button = byId("copy");
    try {
      await copyText(byId("json").textContent || "");
      button.textContent = "Copied";
      byId("live").textContent = "JSON copied.";
    } catch {
      selectJson();
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy JSON"), 2500);
  }

  return {
    take,

    /** Show again what is shown: the service has said more of its models. */
    refresh: () => state.selected && select(state.selected),

    /** Whether an image is shown, whose own sentence says what goes wrong. */
    busy: () => state.selected !== null,

    /** Wire the controls of this view. */
    listen() {
      Reason.intake.choosing(byId("files", HTMLInputElement), take);
      Reason.strip.listen();
      byId("add-images").addEventListener("click", () => byId("files").click());
      byId("photo", HTMLImageElement).addEventListener("load", photoLoaded);
      byId("photo", HTMLImageElement).addEventListener("error", photoMissing);
      byId("retry").addEventListener("click", retry);
      byId("start-over").addEventListener("click", startOver);
      byId("copy").addEventListener("click", copy);
      const threshold = byId("threshold", HTMLInputElement);
      threshold.addEventListener("input", () => tryThreshold(Number(threshold.value)));
      byId("threshold-reset").addEventListener("click", () => {
        tryThreshold(null);
        threshold.focus();
      });
    },
  };
})();
