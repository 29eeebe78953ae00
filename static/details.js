"use strict";
var Reason = Reason || {};

/** Why: classes, neighbours, signals, the meta-vector, timings and the JSON itself. */
Reason.details = (function () {
  const { byId, html, icon, say } = Reason.dom;
  const { percent, number, count, milliseconds } = Reason.format;
  const MOST_CLASSES = 12;
  const FIRST_NEIGHBOURS = 5;
  const MOST_COLUMNS = 60;
  const UNBROKEN = 24;
  const SHORT_NAME = 12;
  const SHORT_DIGEST = 12;

  /** @param {Verdict} verdict */
  function classes(verdict) {
    const ranked = Object.entries(verdict.probabilities).sort((a, b) => b[1] - a[1]);
    byId("classes").replaceChildren(...ranked.slice(0, MOST_CLASSES).map(([name, share]) => {
      const first = name === verdict.class;
      return html("li", { class: first ? "row predicted" : "row" }, [
        html("span", { class: "row-name", text: name, title: name }),
        Reason.charts.bar(share, first ? "strong" : "plain"),
        html("span", { class: "row-value", text: percent(share) }),
      ]);
    }));
    const hidden = ranked.length - MOST_CLASSES;
    say("classes-more", hidden > 0 ? `and ${hidden.toLocaleString("en-GB")} more below these.` : "");
  }

  /**
   * @param {Neighbour} found
   * @param {boolean} same
   * @param {number} share
   */
  function neighbour(found, same, share) {
    return html("li", { class: same ? "neighbour same" : "neighbour other" }, [
      html("span", { class: "neighbour-mark" }, [icon(same ? "accept" : "other")]),
      html("span", { class: "neighbour-label" }, [
        html("strong", { text: found.label }),
        html("span", { class: "visually-hidden", text: same ? ", same class as predicted" : ", another class than predicted" }),
      ]),
      html("span", { class: "neighbour-distance" }, [
        html("span", { class: "visually-hidden", text: "distance " }),
        Reason.charts.bar(share, same ? "strong" : "plain"),
        html("span", { text: number(found.distance) }),
      ]),
      html("span", { class: "neighbour-source", text: found.source, title: found.source }),
    ]);
  }

  /** @param {Verdict} verdict */
  function neighbours(verdict) {
    const noun = Reason.models.noun(verdict.model);
    const found = verdict.neighbours;
    const same = found.filter(({ label }) => label === verdict.class).length;
    const farthest = Math.max(...found.map(({ distance }) => distance), 0) || 1;
    byId("neighbours-note").textContent = found.length
      ? `${same} of ${found.length} share the predicted class. Distances in feature space; smaller is more alike.`
      : `This model keeps no bank of training ${noun}s.`;
    byId("neighbours-title").textContent = `Nearest training ${noun}s`;
    const rows = found.map((one) => neighbour(one, one.label === verdict.class, one.distance / farthest));
    byId("neighbours").replaceChildren(...rows.slice(0, FIRST_NEIGHBOURS));
    byId("neighbours-rest").replaceChildren(...rows.slice(FIRST_NEIGHBOURS));
    byId("neighbours-more").hidden = rows.length <= FIRST_NEIGHBOURS;
    byId("neighbours-more-label").textContent = `Show the other ${rows.length - FIRST_NEIGHBOURS}`;
  }

  /**
   * @param {string} model
   * @param {Signal} shown
   */
  function signal(model, shown) {
    const { label, text, value } = Reason.signals.describe(model, shown);
    return html("div", { class: "signal" }, [
      html("dt", {}, [label, ...(label === shown.name ? [] : [html("code", { text: shown.name })])]),
      html("dd", { class: "signal-value", text: value, title: String(shown.value) }),
      ...(text ? [html("dd", { class: "signal-text", text })] : []),
    ]);
  }

  /**
   * A section folded behind its title and its first signal.
   * @param {string} model
   * @param {SignalGroup} section
   */
  function folded(model, { title, signals }) {
    const first = Reason.signals.describe(model, signals[0]);
    return html("details", {}, [
      html("summary", { text: `${title}: ${first.label.toLowerCase()} ${first.value}` }),
      html("dl", { class: "signals" }, signals.map((one) => signal(model, one))),
    ]);
  }

  /** @param {Verdict} verdict */
  function diagnostics(verdict) {
    const [plain, ...sections] = Reason.signals.bySection(verdict);
    byId("diagnostics").replaceChildren(...plain.signals.map((one) => signal(verdict.model, one)));
    byId("diagnostics-sections").replaceChildren(...sections.map((one) => folded(verdict.model, one)));
  }

  /**
   * @param {string} model
   * @param {Signal} shown
   * @param {Scale} scale
   */
  function column(model, { name, value }, scale) {
    const reading = `${name}: ${value}. ${Reason.signals.explain(model, name)}`.trim();
    return html("li", { class: "column", title: reading }, [
      html("span", { class: "column-name", text: name }),
      Reason.charts.signedBar(value, scale),
      html("span", { class: "column-value", text: number(value) }),
    ]);
  }

  /**
   * @param {string} model
   * @param {SignalGroup & { shared: boolean }} group
   */
  function family(model, { title, help, shared, signals }) {
    const values = signals.map(({ value }) => value).filter(Number.isFinite);
    const scale = shared ? Reason.charts.linearScale(values) : Reason.charts.signedLogScale(values);
    const wide = signals.some(({ name }) => name.length > SHORT_NAME);
    const kind = `family ${shared ? "shared" : "mixed"} ${wide ? "wide" : "narrow"} ${signals.length > UNBROKEN ? "long" : "short"}`;
    return html("div", { class: kind }, [
      html("div", { class: "family-head" }, [
        html("h3", { text: title, title: help }),
        html("p", { text: shared ? "linear scale" : "every line is ten times the last" }),
        html("div", { class: "column" }, [html("span"), Reason.charts.ruler(scale), html("span")]),
      ]),
      html("ul", { class: "columns" }, signals.map((one) => column(model, one, scale))),
    ]);
  }

  /** @param {Verdict} verdict */
  function meta(verdict) {
    const total = verdict.meta_names.length;
    const shown = Math.min(total, MOST_COLUMNS);
    const which = shown < total ? `The first ${shown} of ${total} columns` : `All ${count(total, "column")}`;
    byId("meta-note").textContent =
      `${which} that the reliability is computed from, as measured and not standardised. Each group has its own scale.`;
    byId("meta").replaceChildren(...Reason.signals.byFamily(verdict, shown).map((group) => family(verdict.model, group)));
  }

  /**
   * @param {Verdict} verdict
   * @param {number} roundTrip
   */
  function timings(verdict, roundTrip) {
    const stages = { ...verdict.timings_ms, "round trip": roundTrip };
    byId("timings").replaceChildren(...Object.entries(stages).map(([stage, value]) =>
      html("div", {}, [html("dt", { text: stage }), html("dd", { text: milliseconds(value) })])));
  }

  return {
    /**
     * Fill every section below the verdict; `roundTrip` is the time from sending to the answer, in ms.
     * @param {Verdict} verdict
     * @param {number} roundTrip
     */
    show(verdict, roundTrip) {
      classes(verdict);
      neighbours(verdict);
      diagnostics(verdict);
      meta(verdict);
      timings(verdict, roundTrip);
      byId("bundle").textContent = `Judged by the bundle ${verdict.model}, digest ${verdict.digest.slice(0, SHORT_DIGEST)}.`;
      byId("bundle").title = verdict.digest;
      byId("json").textContent = Reason.details.json(verdict);
    },

    /**
     * The verdict as the indented JSON that is shown and copied.
     * @param {Verdict} verdict
     */
    json: (verdict) => JSON.stringify(verdict, null, 2),
  };
})();
