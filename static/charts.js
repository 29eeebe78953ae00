"use strict";
var Reason = Reason || {};

/**
 * @typedef {{ at: number, text: string }} Tick
 * @typedef {{ below: number, above: number, zero: number, at: (value: number) => number }} Axis
 * @typedef {Axis & { ticks: Tick[], lines: number[] }} Scale
 */

/**
 * Charts as SVG. Lengths are percentages of the drawing's width, so a chart stretches with the page while
 * its lines, corners and letters keep their size.
 */
Reason.charts = (function () {
  const { svg } = Reason.dom;
  /** @param {number} share */
  const percent = (share) => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%`;
  const MAX_DECADES = 6;
  const NUB = 0.6;

  /**
   * @param {number} threshold
   * @param {string} text
   */
  function thresholdMark(threshold, text) {
    const at = percent(threshold);
    const anchor = threshold > 0.8 ? "end" : threshold < 0.2 ? "start" : "middle";
    return [
      svg("line", { class: "threshold-line", x1: at, x2: at, y1: 0, y2: 26 }),
      svg("text", { class: "threshold-text", x: at, y: 41, "text-anchor": anchor, text }),
    ];
  }

  /**
   * Largest magnitude below and above zero, mapped by `length`, as shares of one axis.
   * @param {number[]} values
   * @param {(value: number) => number} length
   */
  function axis(values, length) {
    /** @param {1 | -1} sign */
    const reach = (sign) => Math.max(0, ...values.filter((v) => Math.sign(v) === sign).map(length));
    const below = reach(-1);
    const above = reach(1);
    const span = below + above || 1;
    return { below, above, zero: below / span, at: (/** @type {number} */ value) => (below + Math.sign(value) * length(value)) / span };
  }

  return {
    /**
     * A bar from 0 to 1; with a threshold, a marked line across it.
     * @param {{ share: number, tone: string, label: string, threshold?: number, thresholdText?: string }} shown
     */
    gauge({ share, tone, label, threshold, thresholdText = "" }) {
      const marked = threshold !== undefined;
      const top = marked ? 5 : 0;
      return svg("svg", { class: `gauge ${tone}`, height: marked ? 46 : 10, role: "img", "aria-label": label }, [
        svg("rect", { class: "track", y: top, width: "100%", height: marked ? 16 : 10, rx: marked ? 8 : 5 }),
        svg("rect", { class: "fill", y: top, width: percent(share), height: marked ? 16 : 10, rx: marked ? 8 : 5 }),
        ...(threshold !== undefined ? thresholdMark(threshold, thresholdText) : []),
      ]);
    },

    /**
     * A plain bar from 0 to 1 beside a text that says the same.
     * @param {number} share
     * @param {string} tone
     */
    bar: (share, tone) =>
      svg("svg", { class: `bar ${tone}`, height: 10, "aria-hidden": "true" }, [
        svg("rect", { class: "track", width: "100%", height: 10, rx: 3 }),
        svg("rect", { class: "fill", width: percent(share), height: 10, rx: 3 }),
      ]),

    /**
     * A scale for numbers of one unit: lengths are proportional.
     * @param {number[]} values
     * @returns {Scale}
     */
    linearScale(values) {
      const scale = axis(values, Math.abs);
      const ticks = [{ at: scale.zero, text: "0" }];
      if (scale.below) ticks.push({ at: 0, text: Reason.format.number(-scale.below) });
      if (scale.above) ticks.push({ at: 1, text: Reason.format.number(scale.above) });
      return { ...scale, ticks, lines: [] };
    },

    /**
     * A scale for numbers of many sizes: each line is ten times the one before, on both sides of zero.
     * @param {number[]} values
     * @returns {Scale}
     */
    signedLogScale(values) {
      const sizes = values.map(Math.abs).filter((size) => size > 0);
      const high = Math.ceil(Math.log10(Math.max(...sizes, 1)));
      const low = Math.max(Math.floor(Math.log10(Math.min(...sizes, 1))), high - MAX_DECADES);
      /** @param {number} value */
      const length = (value) => (value === 0 ? 0 : Math.max(NUB / 2, Math.log10(Math.abs(value)) - low + NUB));
      /** @param {1 | -1} sign */
      const whole = (sign) => values.filter((v) => Math.sign(v) === sign).map((v) => sign * 10 ** Math.ceil(Math.log10(Math.abs(v))));
      const ends = [...whole(-1), ...whole(1)].filter((end) => Math.abs(end) >= 10 ** low);
      const scale = axis(ends.length ? ends : [1], length);
      return { ...scale, ...decadeTicks(scale, low, length) };
    },

    /**
     * One row of a bar chart with bars on both sides of zero.
     * @param {number} value
     * @param {Scale} scale
     */
    signedBar(value, scale) {
      const from = Math.min(scale.zero, scale.at(value));
      const size = Math.abs(scale.at(value) - scale.zero);
      /**
       * @param {number} at
       * @param {string} kind
       */
      const line = (at, kind) => svg("line", { class: kind, x1: percent(at), x2: percent(at), y1: 0, y2: "100%" });
      return svg("svg", { class: `signed ${value < 0 ? "negative" : "positive"}`, "aria-hidden": "true" }, [
        ...scale.lines.map((at) => line(at, "grid")),
        svg("rect", { class: "fill", x: percent(from), y: "25%", width: percent(size), height: "50%", rx: 1.5 }),
        line(scale.zero, "zero"),
      ]);
    },

    /**
     * The written ends and the zero of a scale, to stand above its rows.
     * @param {Scale} scale
     */
    ruler: (scale) =>
      svg("svg", { class: "ruler", "aria-hidden": "true" }, spread(scale.ticks).map(({ at, text }) =>
        svg("text", { x: percent(at), y: 12, "text-anchor": at > 0.85 ? "end" : at < 0.15 ? "start" : "middle", text }))),
  };

  /**
   * @param {Axis} scale
   * @param {number} low
   * @param {(value: number) => number} length
   */
  function decadeTicks(scale, low, length) {
    const lines = [];
    /** @type {Tick[]} */
    const ticks = [{ at: scale.zero, text: "0" }];
    for (const sign of [-1, 1]) {
      let end = null;
      const reach = sign < 0 ? scale.below : scale.above;
      for (let exponent = low; length(10 ** exponent) <= reach + 1e-9; exponent += 1) {
        lines.push(scale.at(sign * 10 ** exponent));
        end = exponent;
      }
      if (end !== null) ticks.push({ at: sign < 0 ? 0 : 1, text: (sign < 0 ? "−" : "") + Reason.format.decade(end) });
    }
    return { lines, ticks };
  }

  /**
   * Drop a tick that would be written over another.
   * @param {Tick[]} ticks
   */
  function spread(ticks) {
    /** @type {Tick[]} */
    const kept = [];
    for (const tick of [...ticks].reverse()) {
      if (kept.every((other) => Math.abs(other.at - tick.at) > 0.18)) kept.push(tick);
    }
    return kept;
  }
})();
