"use strict";
var Reason = Reason || {};

/**
 * @typedef {[number, number]} Place
 * @typedef {{ map: LatentMap, frame: (point: Place) => Place, marker: SVGElement, trail: SVGElement }} Drawing
 */

/** The map of a classifier's inside: one dot an image of its data, and where the judged picture lies among them. */
Reason.latent = (function () {
  const { byId, html, svg, say } = Reason.dom;
  const { percent, count } = Reason.format;
  const WIDTH = 480;
  const HEIGHT = 340;
  const MARGIN = 14;
  const NEAREST = 50;
  const BANDS = [
    { below: 0.1, text: "under 10%" },
    { below: 0.25, text: "10–25%" },
    { below: 0.5, text: "25–50%" },
    { below: 0.75, text: "50–75%" },
    { below: Infinity, text: "over 75%" },
  ];
  /** @type {{ drawing: Drawing | null, map: LatentMap | null }} */
  const state = { drawing: null, map: null };

  /** @param {number} failure */
  const band = (failure) => BANDS.findIndex(({ below }) => failure < below);

  /**
   * Maps one coordinate to the drawing, the data's range to its inside.
   * @param {number[]} values
   * @param {number} from
   * @param {number} to
   */
  function axis(values, from, to) {
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    return (/** @type {number} */ value) => from + ((value - low) / span) * (to - from);
  }

  /**
   * @param {LatentMap} map
   * @returns {(point: Place) => Place}
   */
  function frameOf({ points }) {
    const x = axis(points.map((point) => point[0]), MARGIN, WIDTH - MARGIN);
    const y = axis(points.map((point) => point[1]), HEIGHT - MARGIN, MARGIN);
    return ([a, b]) => [x(a), y(b)];
  }

  /**
   * All dots of one band as one path, because thousands of elements would make the slider stutter.
   * @param {LatentMap} map
   * @param {(point: Place) => Place} frame
   * @param {number} index
   */
  function dots(map, frame, index) {
    const path = map.points
      .filter((_, i) => band(map.failure_probability[i]) === index && map.correct[i])
      .map((point) => `M${frame(point).map((v) => v.toFixed(1)).join(" ")}h0`);
    return svg("path", { class: `dot risk-${index + 1}`, d: path.join("") });
  }

  /**
   * @param {LatentMap} map
   * @param {(point: Place) => Place} frame
   * @param {number} index
   */
  function crosses(map, frame, index) {
    const path = map.points
      .filter((_, i) => band(map.failure_probability[i]) === index && !map.correct[i])
      .map((point) => frame(point).map((v) => (v - 2.6).toFixed(1)))
      .map(([x, y]) => `M${x} ${y}l5.2 5.2m0 -5.2l-5.2 5.2`);
    return svg("path", { class: `cross risk-${index + 1}`, d: path.join("") });
  }

  function legend() {
    const entries = BANDS.map(({ text }, index) =>
      html("li", {}, [
        svg("svg", { class: "key", viewBox: "0 0 12 12", "aria-hidden": "true" }, [
          svg("path", { class: `dot large risk-${index + 1}`, d: "M6 6h0" }),
        ]),
        text,
      ]),
    );
    const wrong = html("li", {}, [
      svg("svg", { class: "key", viewBox: "0 0 12 12", "aria-hidden": "true" }, [
        svg("path", { class: "cross", d: "M3 3l6 6m0 -6l-6 6" }),
      ]),
      "classified wrongly",
    ]);
    byId("map-legend").replaceChildren(...entries, wrong);
  }

  /**
   * @param {LatentMap} map
   * @returns {Drawing}
   */
  function drawMap(map) {
    const frame = frameOf(map);
    const trail = svg("polyline", { class: "trail" });
    const marker = svg("g", { class: "here", visibility: "hidden" }, [
      svg("circle", { class: "halo", r: 10 }),
      svg("circle", { class: "ring", r: 10 }),
      svg("circle", { class: "core", r: 3.5 }),
    ]);
    const bands = BANDS.map((_, index) => index);
    byId("map", SVGSVGElement).replaceChildren(
      ...bands.map((index) => dots(map, frame, index)),
      ...bands.map((index) => crosses(map, frame, index)),
      trail,
      marker,
    );
    const [across, up] = map.explained_variance.map((share) => percent(share, 0));
    byId("map-axes").textContent =
      `${count(map.points.length, "calibration image")} on the two main directions of the classifier's inside; ` +
      `${across} of the variation runs across, ${up} upwards.`;
    legend();
    return { map, frame, marker, trail };
  }

  /**
   * @param {LatentMap} map
   * @param {Place} latent
   */
  function nearest({ points, correct, failure_probability: failure }, latent) {
    const ranked = points
      .map(([x, y], i) => ({ i, distance: (x - latent[0]) ** 2 + (y - latent[1]) ** 2 }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, NEAREST);
    const mean = ranked.reduce((sum, { i }) => sum + failure[i], 0) / ranked.length;
    return { size: ranked.length, wrong: ranked.filter(({ i }) => !correct[i]).length, mean };
  }

  /**
   * @param {Place} point
   * @returns {Place}
   */
  const clamped = ([x, y]) => [Math.min(WIDTH, Math.max(0, x)), Math.min(HEIGHT, Math.max(0, y))];

  /**
   * @param {LatentMap} map
   * @param {Place} latent
   * @param {boolean} beyond
   */
  function describe(map, latent, beyond) {
    const { size, wrong, mean } = nearest(map, latent);
    const place = beyond ? "Beyond the edge of the map. " : "";
    return (
      `${place}Of the ${size} images nearest to it here, ${wrong} ${wrong === 1 ? "was" : "were"} classified wrongly; ` +
      `their failure probability is ${percent(mean, 0)} on average.`
    );
  }

  return {
    /**
     * Show the map of a model; null where it has none.
     * @param {LatentMap | null} map
     */
    show(map) {
      if (map === state.map) return;
      state.map = map;
      byId("map-card").hidden = !map;
      state.drawing = map && drawMap(map);
    },

    /**
     * Mark where a verdict's image lies.
     * @param {Verdict} verdict
     */
    place({ latent, decision }) {
      const { drawing } = state;
      byId("map-card").hidden = !drawing || !latent;
      if (!drawing || !latent) return;
      const { marker } = drawing;
      const at = drawing.frame(latent);
      const [x, y] = clamped(at);
      marker.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      marker.setAttribute("visibility", "visible");
      marker.dataset.decision = decision;
      const text = describe(drawing.map, latent, x !== at[0] || y !== at[1]);
      say("map-here", text);
      byId("map", SVGSVGElement).setAttribute("aria-label", `Map with the judged picture marked. ${text}`);
    },

    /**
     * Draw the way of one picture through the map, from its first place to its last.
     * @param {(Place | null)[]} latents
     */
    trail(latents) {
      const { drawing } = state;
      if (!drawing) return;
      const places = latents.flatMap((latent) => (latent ? [clamped(drawing.frame(latent))] : []));
      const points = places.map((place) => place.map((v) => v.toFixed(1)).join(","));
      drawing.trail.setAttribute("points", points.join(" "));
    },
  };
})();
