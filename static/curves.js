"use strict";
var Reason = Reason || {};

/**
 * @typedef {"same" | "changed" | "wrong"} PointState
 * @typedef {"confidence" | "reliability"} Curve
 * @typedef {{ severity: number, confidence: number, reliability: number, state: PointState, text: string }} Point
 * @typedef {{ read: (point: Point | null) => void, choose: (point: Point) => void }} Handlers
 */

/** Confidence and reliability against severity, as two curves whose points can be read and chosen. */
Reason.curves = (function () {
  const { svg } = Reason.dom;
  const { percent } = Reason.format;
  const HEIGHT = 240;
  const LEVELS = [0, 0.25, 0.5, 0.75, 1];
  const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const SHAPES = {
    same: "M0 -4.5a4.5 4.5 0 1 0 0.01 0z",
    changed: "M0 -6.5L6.5 0L0 6.5L-6.5 0z",
    wrong: "M-4.5 -4.5L4.5 4.5M4.5 -4.5L-4.5 4.5",
  };

  /** @param {number} share */
  const across = (share) => `${(share * 100).toFixed(2)}%`;
  /** @param {number} share */
  const up = (share) => `${((1 - share) * 100).toFixed(2)}%`;

  function grid() {
    return [
      ...LEVELS.map((share) => svg("line", { class: "grid", x1: "0%", x2: "100%", y1: up(share), y2: up(share) })),
      ...LEVELS.map((share) =>
        svg("text", { class: "tick", x: -8, y: up(share), dy: "0.32em", "text-anchor": "end", text: percent(share, 0) })),
      ...TICKS.map((share) =>
        svg("text", { class: "tick", x: across(share), y: HEIGHT + 20, "text-anchor": "middle", text: String(share) })),
    ];
  }

  /** @param {number} threshold */
  const thresholdLine = (threshold) =>
    svg("line", { class: "threshold-line", x1: "0%", x2: "100%", y1: up(threshold), y2: up(threshold) });

  /** @param {number} threshold */
  const thresholdText = (threshold) =>
    svg("text", {
      class: "threshold-text", x: "100%", y: up(threshold), dy: threshold > 0.9 ? "1.2em" : "-0.45em",
      "text-anchor": "end", text: `accepted from ${percent(threshold)}`,
    });

  /**
   * @param {Point[]} points
   * @param {Curve} key
   */
  function curve(points, key) {
    const lines = points.slice(1).map((point, i) =>
      svg("line", {
        x1: across(points[i].severity), y1: up(points[i][key]), x2: across(point.severity), y2: up(point[key]),
      }));
    return svg("g", { class: `curve ${key}` }, lines);
  }

  /**
   * A mark keeps its size while the chart stretches: it stands in a drawing of its own, placed by shares.
   * @param {Point} point
   * @param {Curve} key
   */
  function mark(point, key) {
    const shape = svg("path", { class: `mark ${point.state} ${key}`, d: SHAPES[point.state] });
    return svg("svg", { x: across(point.severity), y: up(point[key]), width: 1, height: 1 }, [shape]);
  }

  /**
   * @param {Point} point
   * @param {number} index
   * @param {number} step
   * @param {Handlers} handlers
   */
  function target(point, index, step, handlers) {
    const node = svg("rect", {
      class: "target", x: across(point.severity - step / 2), y: 0, width: across(step), height: "100%", rx: 4,
      role: "button", tabindex: index === 0 ? 0 : -1, "aria-label": point.text,
    });
    node.addEventListener("pointerenter", () => handlers.read(point));
    node.addEventListener("focus", () => handlers.read(point));
    node.addEventListener("pointerleave", () => handlers.read(null));
    node.addEventListener("blur", () => handlers.read(null));
    node.addEventListener("click", () => handlers.choose(point));
    return node;
  }

  /**
   * @param {SVGElement[]} targets
   * @param {(index: number) => void} press
   */
  function walk(targets, press) {
    return (/** @type {KeyboardEvent} */ event) => {
      const index = targets.findIndex((one) => one === event.target);
      const to = new Map([["ArrowRight", index + 1], ["ArrowLeft", index - 1], ["Home", 0], ["End", targets.length - 1]]).get(event.key);
      const next = to === undefined ? undefined : targets[to];
      if (event.key === "Enter" || event.key === " ") press(index);
      else if (!next) return;
      else {
        targets[index].setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      }
      event.preventDefault();
    };
  }

  return {
    /**
     * The chart of `points`: `{severity, confidence, reliability, state, text}` each, in the order of severity.
     * `read` gets the point that is looked at or null, `choose` the one that is chosen.
     * @param {Point[]} points
     * @param {number} threshold
     * @param {Handlers} handlers
     */
    draw(points, threshold, { read, choose }) {
      const step = 1 / (points.length - 1);
      const targets = points.map((point, index) => target(point, index, step, { read, choose }));
      const chart = svg("svg", {
        class: "curves", height: HEIGHT, role: "group", "aria-label": "Confidence and reliability against severity",
      }, [
        ...grid(),
        thresholdLine(threshold),
        svg("line", { class: "now", y1: 0, y2: "100%" }),
        curve(points, "confidence"),
        curve(points, "reliability"),
        ...points.map((point) => mark({ ...point, state: "same" }, "confidence")),
        ...points.map((point) => mark(point, "reliability")),
        thresholdText(threshold),
        ...targets,
      ]);
      chart.addEventListener("keydown", walk(targets, (index) => choose(points[index])));
      return chart;
    },

    /**
     * Draw the line of the severity that is set now.
     * @param {Element} chart
     * @param {number} severity
     */
    mark(chart, severity) {
      const line = chart.querySelector(".now");
      for (const end of ["x1", "x2"]) if (line) line.setAttribute(end, across(severity));
    },

    /**
     * The mark of a state, for a legend.
     * @param {PointState} state
     */
    key: (state) =>
      svg("svg", { class: "key", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, [
        svg("path", { class: `mark ${state} reliability`, d: SHAPES[state] }),
      ]),
  };
})();
