"use strict";

/**
 * Charts as SVG. Lengths are percentages of the drawing's width, so a chart stretches with the page while
 * its lines, corners and letters keep their size.
 */
(function (Reason) {
  const { svg } = Reason.dom;
  const percent = (share) => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%`;
  const MAX_DECADES = 6;
  const NUB = 0.6;

  function thresholdMark(threshold, text) {
    const at = percent(threshold);
    const anchor = threshold > 0.8 ? "end" : threshold < 0.2 ? "start" : "middle";
    return [
      svg("line", { class: "threshold-line", x1: at, x2: at, y1: 0, y2: 26 }),
      svg("text", { class: "threshold-text", x: at, y: 41, "text-anchor": anchor, text }),
    ];
  }

  /** Largest magnitude below and above zero, mapped by `length`, as shares of one axis. */
  function axis(values, length) {
    const reach = (sign) => Math.max(0, ...values.filter((v) => Math.sign(v) === sign).map(length));
    const below = reach(-1);
    const above = reach(1);
    const span = below + above || 1;
    return { below, above, zero: below / span, at: (value) => (below + Math.sign(value) * length(value)) / span };
  }

  Reason.charts = {
    /** A bar from 0 to 1; with a threshold, a marked line across it. */
    gauge({ share, tone, label, threshold = null, thresholdText = "" }) {
      const marked = threshold !== null;
      const top = marked ? 5 : 0;
      return svg("svg", { class: `gauge ${tone}`, height: marked ? 46 : 10, role: "img", "aria-label": label }, [
        svg("rect", { class: "track", y: top, width: "100%", height: marked ? 16 : 10, rx: marked ? 8 : 5 }),
        svg("rect", { class: "fill", y: top, width: percent(share), height: marked ? 16 : 10, rx: marked ? 8 : 5 }),
        ...(marked ? thresholdMark(threshold, thresholdText) : []),
      ]);
    },

    /** A plain bar from 0 to 1 beside a text that says the same. */
    bar: (share, tone) =>
      svg("svg", { class: `bar ${tone}`, height: 10, "aria-hidden": "true" }, [
        svg("rect", { class: "track", width: "100%", height: 10, rx: 3 }),
        svg("rect", { class: "fill", width: percent(share), height: 10, rx: 3 }),
      ]),

    /** A scale for numbers of one unit: lengths are proportional. */
    linearScale(values) {
      const scale = axis(values, Math.abs);
      const ticks = [{ at: scale.zero, text: "0" }];
      if (scale.below) ticks.push({ at: 0, text: Reason.format.number(-scale.below) });
      if (scale.above) ticks.push({ at: 1, text: Reason.format.number(scale.above) });
      return { ...scale, ticks, lines: [] };
    },

    /** A scale for numbers of many sizes: each line is ten times the one before, on both sides of zero. */
    signedLogScale(values) {
      const sizes = values.map(Math.abs).filter((size) => size > 0);
      const high = Math.ceil(Math.log10(Math.max(...sizes, 1)));
      const low = Math.max(Math.floor(Math.log10(Math.min(...sizes, 1))), high - MAX_DECADES);
      const length = (value) => (value === 0 ? 0 : Math.max(NUB / 2, Math.log10(Math.abs(value)) - low + NUB));
      const whole = (sign) => values.filter((v) => Math.sign(v) === sign).map((v) => sign * 10 ** Math.ceil(Math.log10(Math.abs(v))));
      const ends = [...whole(-1), ...whole(1)].filter((end) => Math.abs(end) >= 10 ** low);
      const scale = axis(ends.length ? ends : [1], length);
      return { ...scale, ...decadeTicks(scale, low, length) };
    },

    /** One row of a bar chart with bars on both sides of zero. */
    signedBar(value, scale) {
      const from = Math.min(scale.zero, scale.at(value));
      const size = Math.abs(scale.at(value) - scale.zero);
      const line = (at, kind) => svg("line", { class: kind, x1: percent(at), x2: percent(at), y1: 0, y2: "100%" });
      return svg("svg", { class: `signed ${value < 0 ? "negative" : "positive"}`, "aria-hidden": "true" }, [
        ...scale.lines.map((at) => line(at, "grid")),
        svg("rect", { class: "fill", x: percent(from), y: "25%", width: percent(size), height: "50%", rx: 1.5 }),
        line(scale.zero, "zero"),
      ]);
    },

    /** The written ends and the zero of a scale, to stand above its rows. */
    ruler: (scale) =>
      svg("svg", { class: "ruler", "aria-hidden": "true" }, spread(scale.ticks).map(({ at, text }) =>
        svg("text", { x: percent(at), y: 12, "text-anchor": at > 0.85 ? "end" : at < 0.15 ? "start" : "middle", text }))),
  };

  function decadeTicks(scale, low, length) {
    const lines = [];
    const ends = { "-1": null, 1: null };
    for (const sign of [-1, 1]) {
      const reach = sign < 0 ? scale.below : scale.above;
      for (let exponent = low; length(10 ** exponent) <= reach + 1e-9; exponent += 1) {
        lines.push(scale.at(sign * 10 ** exponent));
        ends[sign] = exponent;
      }
    }
    const ticks = [{ at: scale.zero, text: "0" }];
    if (ends[-1] !== null) ticks.push({ at: 0, text: `−${Reason.format.decade(ends[-1])}` });
    if (ends[1] !== null) ticks.push({ at: 1, text: Reason.format.decade(ends[1]) });
    return { lines, ticks };
  }

  /** Drop a tick that would be written over another. */
  function spread(ticks) {
    const kept = [];
    for (const tick of [...ticks].reverse()) {
      if (kept.every((other) => Math.abs(other.at - tick.at) > 0.18)) kept.push(tick);
    }
    return kept;
  }
})((window.Reason = window.Reason || {}));
