"use strict";
var Reason = Reason || {};

/** Thumbnails of all images of this visit, each marked with its outcome. */
Reason.strip = (function () {
  const { byId, html, icon, say } = Reason.dom;
  const { percent, count } = Reason.format;
  /** @type {Map<number, { button: HTMLButtonElement, mark: HTMLElement, caption: HTMLElement }>} */
  const buttons = new Map();

  /**
   * @param {Item} item
   * @param {number | null} tried
   * @returns {Outcome}
   */
  function outcome(item, tried) {
    if (item.verdict) return Reason.verdict.decide(item.verdict, tried).decision;
    return item.status === "failed" ? "failed" : "waiting";
  }

  /**
   * @param {Item} item
   * @param {Outcome} state
   */
  function words(item, state) {
    if (state === "failed") return "not judged";
    if (state === "waiting") return "judging";
    return item.verdict ? item.verdict.class : "";
  }

  /**
   * @param {Item} item
   * @param {Outcome} state
   * @param {number | null} tried
   */
  function spoken(item, state, tried) {
    if (!item.verdict || (state !== "accept" && state !== "review")) return `${item.name}: ${words(item, state)}`;
    const badge = Reason.verdict.badge(state, tried).toLowerCase();
    return `${item.name}: ${item.verdict.class}, ${badge}, reliability ${percent(item.verdict.reliability)}`;
  }

  /** @param {Item} item */
  function picture(item) {
    const image = html("img", { alt: "", decoding: "async", src: item.url });
    image.addEventListener("error", () => image.replaceWith(html("span", { class: "thumb-blank" }, [icon("image")])));
    return image;
  }

  /**
   * @param {Item} item
   * @param {(item: Item) => void} choose
   * @returns {{ button: HTMLButtonElement, mark: HTMLElement, caption: HTMLElement }}
   */
  function create(item, choose) {
    const mark = html("span", { class: "thumb-mark" });
    const caption = html("span", { class: "thumb-caption" });
    const button = html("button", { type: "button", class: "thumb" }, [
      html("span", { class: "thumb-picture" }, [picture(item), mark]),
      caption,
    ]);
    button.addEventListener("click", () => choose(item));
    const made = { button, mark, caption };
    buttons.set(item.id, made);
    byId("strip-list").append(html("li", {}, [button]));
    return made;
  }

  /**
   * @param {Item} item
   * @param {Item | null} selected
   * @param {number | null} tried
   * @param {(item: Item) => void} choose
   */
  function update(item, selected, tried, choose) {
    const { button, mark, caption } = buttons.get(item.id) || create(item, choose);
    const state = outcome(item, tried);
    button.dataset.state = state;
    button.setAttribute("aria-label", spoken(item, state, tried));
    button.title = item.name;
    if (item === selected && !button.hasAttribute("aria-current")) {
      button.setAttribute("aria-current", "true");
      button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    if (item !== selected) button.removeAttribute("aria-current");
    mark.replaceChildren(...(state === "waiting" ? [] : [icon(state)]));
    caption.textContent = words(item, state);
  }

  /**
   * @param {Item[]} items
   * @param {number | null} tried
   */
  function summary(items, tried) {
    const tally = { accept: 0, review: 0, failed: 0, waiting: 0 };
    for (const item of items) tally[outcome(item, tried)] += 1;
    const states = { accept: "accepted", review: "to review", failed: "not judged", waiting: "waiting" };
    const parts = Object.entries(states).map(([name, text]) => ({ amount: tally[/** @type {keyof typeof states} */ (name)], text }));
    const shown = parts.filter(({ amount }) => amount > 0).map(({ amount, text }) => `${amount} ${text}`);
    return `${count(items.length, "image")}: ${shown.join(", ")}`;
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const step = Number(event.key === "ArrowRight") - Number(event.key === "ArrowLeft");
    if (!step) return;
    const all = [...byId("strip-list").querySelectorAll("button")];
    const next = all[all.findIndex((button) => button === document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }

  return {
    /**
     * Add new items, remove gone ones, and refresh the marks.
     * @param {Item[]} items
     * @param {Item | null} selected
     * @param {number | null} tried
     * @param {(item: Item) => void} choose
     */
    show(items, selected, tried, choose) {
      byId("strip").hidden = items.length < 2;
      if (items.length === 0) {
        buttons.clear();
        byId("strip-list").replaceChildren();
        return;
      }
      for (const item of items) update(item, selected, tried, choose);
      say("strip-summary", summary(items, tried));
    },

    /** Let the arrow keys walk along the thumbnails. */
    listen: () => byId("strip-list").addEventListener("keydown", walk),
  };
})();
