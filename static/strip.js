"use strict";

/** Thumbnails of all images of this visit, each marked with its outcome. */
(function (Reason) {
  const { byId, html, icon, say } = Reason.dom;
  const { percent, count } = Reason.format;
  const buttons = new Map();

  function outcome(item, tried) {
    if (item.status === "judged") return Reason.verdict.decide(item.verdict, tried).decision;
    return item.status === "failed" ? "failed" : "waiting";
  }

  function words(item, state) {
    if (state === "failed") return "not judged";
    if (state === "waiting") return "judging";
    return item.verdict.class;
  }

  function spoken(item, state, tried) {
    if (!item.verdict) return `${item.name}: ${words(item, state)}`;
    const badge = Reason.verdict.badge(state, tried).toLowerCase();
    return `${item.name}: ${item.verdict.class}, ${badge}, reliability ${percent(item.verdict.reliability)}`;
  }

  function picture(item) {
    const image = html("img", { alt: "", decoding: "async", src: item.url });
    image.addEventListener("error", () => image.replaceWith(html("span", { class: "thumb-blank" }, [icon("image")])));
    return image;
  }

  function create(item, choose) {
    const mark = html("span", { class: "thumb-mark" });
    const caption = html("span", { class: "thumb-caption" });
    const button = html("button", { type: "button", class: "thumb" }, [
      html("span", { class: "thumb-picture" }, [picture(item), mark]),
      caption,
    ]);
    button.addEventListener("click", () => choose(item));
    buttons.set(item.id, { button, mark, caption });
    byId("strip-list").append(html("li", {}, [button]));
  }

  function update(item, selected, tried) {
    const { button, mark, caption } = buttons.get(item.id);
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

  function summary(items, tried) {
    const tally = { accept: 0, review: 0, failed: 0, waiting: 0 };
    for (const item of items) tally[outcome(item, tried)] += 1;
    const parts = [
      [tally.accept, "accepted"], [tally.review, "to review"], [tally.failed, "not judged"], [tally.waiting, "waiting"],
    ].filter(([amount]) => amount > 0);
    return `${count(items.length, "image")}: ${parts.map((part) => part.join(" ")).join(", ")}`;
  }

  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...byId("strip-list").querySelectorAll("button")];
    const next = all[all.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }

  Reason.strip = {
    /** Add new items, remove gone ones, and refresh the marks. */
    show(items, selected, tried, choose) {
      byId("strip").hidden = items.length < 2;
      if (items.length === 0) {
        buttons.clear();
        byId("strip-list").replaceChildren();
        return;
      }
      for (const item of items) {
        if (!buttons.has(item.id)) create(item, choose);
        update(item, selected, tried);
      }
      say("strip-summary", summary(items, tried));
    },

    /** Let the arrow keys walk along the thumbnails. */
    listen: () => byId("strip-list").addEventListener("keydown", walk),
  };
})((window.Reason = window.Reason || {}));
