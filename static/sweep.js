"use strict";
var Reason = Reason || {};

/**
 * @typedef {Point & { verdict: Verdict, changed: boolean, wrong: boolean }} SweptPoint
 * @typedef {{ label: string | null, ask: (severity: number) => Promise<Verdict> }} Sweep
 */

/** Judges one picture at every tenth of severity, and shows where confidence and reliability go. */
Reason.sweep = (function () {
  const { byId, html, say } = Reason.dom;
  const { percent } = Reason.format;
  const STEPS = 10;
  const AT_ONCE = 3;
  const HINT = "Point at the chart for the figures; choose a point to set the severity.";
  /**
   * @type {{
   *   run: object | null, severity: number, prepare: () => Promise<Sweep>, choose: (severity: number) => void,
   * }}
   */
  const state = { run: null, severity: 0, prepare: () => Promise.reject(), choose() {} };

  /**
   * Run `work` for 0 to STEPS, few at once; ends early when another run has begun or this one was stopped.
   * @param {object} run
   * @param {(step: number) => Promise<void>} work
   */
  async function each(run, work) {
    let next = 0;
    const worker = async () => {
      while (next <= STEPS && state.run === run) {
        const step = next;
        next += 1;
        await work(step);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** @param {number} done */
  function progress(done) {
    say("sweep-progress", `Judging ${done} of ${STEPS + 1}…`);
    byId("sweep-bar", HTMLProgressElement).value = done;
  }

  /** @param {boolean} on */
  function working(on) {
    byId("sweep-start").textContent = on ? "Stop" : "Run the sweep";
    byId("sweep-bar", HTMLProgressElement).hidden = !on;
    if (!on) say("sweep-progress", "");
  }

  /**
   * @param {Verdict} verdict
   * @param {number} step
   * @param {Verdict} first
   * @param {string | null} label
   * @returns {SweptPoint}
   */
  function point(verdict, step, first, label) {
    const severity = step / STEPS;
    const changed = verdict.class !== first.class;
    const wrong = label !== null && verdict.class !== label;
    const remarks = [verdict.decision, ...(wrong ? ["wrong"] : []), ...(changed ? ["another class than at severity 0"] : [])];
    return {
      severity,
      verdict,
      changed,
      wrong,
      confidence: verdict.confidence,
      reliability: verdict.reliability,
      state: wrong ? "wrong" : changed ? "changed" : "same",
      text:
        `Severity ${severity}: ${verdict.class}, confidence ${percent(verdict.confidence)}, ` +
        `reliability ${percent(verdict.reliability)}: ${remarks.join(", ")}.`,
    };
  }

  /** @param {SweptPoint[]} points */
  function legend(points) {
    /** @param {string} key */
    const line = (key) => html("span", { class: `line ${key}` });
    /** @param {string} name */
    const seen = (name) => points.some((one) => one.state === name);
    /** @type {(Node | string)[][]} */
    const entries = [[line("reliability"), "reliability"], [line("confidence"), "confidence"]];
    if (seen("changed")) entries.push([Reason.curves.key("changed"), "prediction changed"]);
    if (seen("wrong")) entries.push([Reason.curves.key("wrong"), "prediction wrong"]);
    byId("sweep-legend").replaceChildren(...entries.map((entry) => html("li", {}, entry)));
  }

  /** @param {SweptPoint[]} points */
  function table(points) {
    /** @param {SweptPoint} point */
    const cells = ({ severity, verdict, changed, wrong }) => [
      String(severity),
      verdict.class + (wrong ? " (wrong)" : changed ? " (changed)" : ""),
      percent(verdict.confidence),
      percent(verdict.reliability),
      verdict.decision,
    ];
    byId("sweep-rows").replaceChildren(
      ...points.map((one) => html("tr", {}, cells(one).map((text) => html("td", { text })))),
    );
  }

  /**
   * @param {Verdict[]} verdicts
   * @param {string | null} label
   */
  function show(verdicts, label) {
    const points = verdicts.map((verdict, step) => point(verdict, step, verdicts[0], label));
    /** @param {Point | null} one */
    const read = (one) => (byId("sweep-reading").textContent = one ? one.text : HINT);
    /** @param {Point} one */
    const choose = (one) => state.choose(one.severity);
    byId("sweep-chart").replaceChildren(Reason.curves.draw(points, verdicts[0].threshold, { read, choose }));
    markSeverity();
    legend(points);
    table(points);
    read(null);
    byId("sweep-result").hidden = false;
    byId("sweep-empty").hidden = true;
    byId("live").textContent = "The sweep is done.";
    Reason.latent.trail(verdicts.map(({ latent }) => latent));
  }

  function markSeverity() {
    const chart = byId("sweep-chart").firstElementChild;
    if (chart) Reason.curves.mark(chart, state.severity);
  }

  async function start() {
    const run = {};
    state.run = run;
    say("sweep-notice", "");
    working(true);
    progress(0);
    try {
      const { label, ask } = await state.prepare();
      /** @type {Verdict[]} */
      const verdicts = [];
      await each(run, async (step) => {
        verdicts[step] = await ask(step / STEPS);
        if (state.run === run) progress(verdicts.filter(Boolean).length);
      });
      if (state.run === run) show(verdicts, label);
    } catch (failure) {
      if (!(failure instanceof Reason.api.Failure)) throw failure;
      if (state.run === run) say("sweep-notice", failure.detail);
    }
    if (state.run === run) stop();
  }

  function stop() {
    state.run = null;
    working(false);
  }

  return {
    /**
     * The severity has been set to another one: a sweep under way ends, a finished one marks it.
     * @param {number} severity
     */
    at(severity) {
      stop();
      state.severity = severity;
      markSeverity();
    },

    /**
     * The picture or its corruption has changed: what was swept is about another one.
     * @param {boolean} possible
     */
    reset(possible) {
      stop();
      say("sweep-notice", "");
      byId("sweep-start").hidden = !possible;
      byId("sweep-result").hidden = true;
      byId("sweep-empty").hidden = false;
      byId("sweep-empty").textContent = possible
        ? "Judge the picture at eleven severities, from 0 to 1, and see where its prediction turns."
        : "Choose a corruption first; then its severity can be swept.";
      Reason.latent.trail([]);
    },

    /**
     * Wire the button. `prepare()` resolves to `{label, ask(severity)}` for the picture of that moment;
     * `choose(severity)` is called for a point that a person picks.
     * @param {{ prepare: () => Promise<Sweep>, choose: (severity: number) => void }} handlers
     */
    listen({ prepare, choose }) {
      Object.assign(state, { prepare, choose });
      byId("sweep-start").addEventListener("click", () => (state.run ? stop() : start()));
    },
  };
})();
