"use strict";
var Reason = Reason || {};

/** Keeps asking while settings change, and lets the newest answer win. */
Reason.live = (function () {
  const PAUSE_MS = 60;
  const AT_ONCE = 2;

  /**
   * `ask()` resolves to an answer to the settings of that moment; `show(answer, newest)` gets each
   * answer that is not older than the one shown, with whether no later question is under way.
   *
   * A question waits until at most one other is under way, so that a slow service answers few of a slider's
   * many steps and never queues the rest.
   * @template A
   * @param {() => Promise<A>} ask
   * @param {(answer: A, newest: boolean) => void} show
   */
  return function (ask, show) {
    /** @type {number | null} */
    let timer = null;
    let wanted = false;
    let running = 0;
    let asked = 0;
    let shown = 0;

    async function next() {
      if (!wanted || running >= AT_ONCE) return;
      wanted = false;
      running += 1;
      const number = (asked += 1);
      try {
        const answer = await ask();
        if (number > shown) {
          shown = number;
          show(answer, number === asked && !wanted);
        }
      } finally {
        running -= 1;
        next();
      }
    }

    return {
      /** The settings have changed: ask soon. */
      want() {
        wanted = true;
        if (timer !== null) return;
        timer = window.setTimeout(() => {
          timer = null;
          next();
        }, PAUSE_MS);
      },

      /** What is under way is about something else: never show it. */
      forget() {
        shown = asked;
      },
    };
  };
})();
