"use strict";

/** Why: classes, neighbours, signals, the meta-vector, timings and the JSON itself. */
(function (Reason) {
  const { byId, html, icon, say } = Reason.dom;
  const { percent, number, count, milliseconds } = Reason.format;
  const MOST_CLASSES = 12;
  const FIRST_NEIGHBOURS = 5;
  const MOST_COLUMNS = 60;
  const UNBROKEN = 24;

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

  function signal([name, raw]) {
    const { label, text, value } = Reason.signals.describe(name, raw);
    return html("div", { class: "signal" }, [
      html("dt", {}, [label, ...(label === name ? [] : [html("code", { text: name })])]),
      html("dd", { class: "signal-value", text: value, title: String(raw) }),
      ...(text ? [html("dd", { class: "signal-text", text })] : []),
    ]);
  }

  function diagnostics(verdict) {
    const [whole, ...views] = Reason.signals.byView(verdict.diagnostics);
    byId("diagnostics").replaceChildren(...whole.signals.map(signal));
    byId("diagnostics-views").replaceChildren(...views.map(({ title, probability, signals }) =>
      html("details", {}, [
        html("summary", { text: `The ${title}: ${percent(probability)} ${verdict.class}` }),
        html("dl", { class: "signals" }, signals.map(signal)),
      ])));
  }

  function column({ name, value }, scale) {
    const reading = `${name}: ${value}. ${Reason.signals.explain(name)}`.trim();
    return html("li", { class: "column", title: reading }, [
      html("span", { class: "column-name", text: name }),
      Reason.charts.signedBar(value, scale),
      html("span", { class: "column-value", text: number(value) }),
    ]);
  }

  function family({ title, shared, columns }) {
    const values = columns.map(({ value }) => value).filter(Number.isFinite);
    const scale = shared ? Reason.charts.linearScale(values) : Reason.charts.signedLogScale(values);
    const kind = `family ${shared ? "shared" : "mixed"} ${columns.length > UNBROKEN ? "long" : "short"}`;
    return html("div", { class: kind }, [
      html("div", { class: "family-head" }, [
        html("h3", { text: title }),
        html("p", { text: shared ? "one unit, linear scale" : "each in its own unit; every line is ten times the last" }),
        html("div", { class: "column" }, [html("span"), Reason.charts.ruler(scale), html("span")]),
      ]),
      html("ul", { class: "columns" }, columns.map((one) => column(one, scale))),
    ]);
  }

  function meta(verdict) {
    const total = verdict.meta_names.length;
    const shown = Math.min(total, MOST_COLUMNS);
    const which = shown < total ? `The first ${shown} of ${total} columns` : `All ${count(total, "column")}`;
    byId("meta-note").textContent = `${which} that the reliability is computed from, as measured and not standardised.`;
    const families = Reason.signals.families(verdict.meta_names.slice(0, shown), verdict.meta_vector);
    byId("meta").replaceChildren(...families.map(family));
  }

  function timings(verdict, roundTrip) {
    const stages = { ...verdict.timings_ms, "round trip": roundTrip };
    byId("timings").replaceChildren(...Object.entries(stages).map(([stage, value]) =>
      html("div", {}, [html("dt", { text: stage }), html("dd", { text: milliseconds(value) })])));
  }

  Reason.details = {
    /** Fill every section below the verdict; `roundTrip` is the time from sending to the answer, in ms. */
    show(verdict, roundTrip) {
      classes(verdict);
      neighbours(verdict);
      diagnostics(verdict);
      meta(verdict);
      timings(verdict, roundTrip);
      byId("json").textContent = Reason.details.json(verdict);
    },

    /** The verdict as the indented JSON that is shown and copied. */
    json: (verdict) => JSON.stringify(verdict, null, 2),
  };
})((window.Reason = window.Reason || {}));
